#include "tests/nodes/load.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace panal::test {

std::size_t scaled(std::size_t count, std::size_t at_least) {
  const char* text = std::getenv("PANAL_TEST_SCALE");
  auto factor = text == nullptr ? 1.0 : std::atof(text);
  auto result = std::llround(static_cast<double>(count) * factor);
  return std::max(at_least, static_cast<std::size_t>(std::max(result, 0LL)));
}

std::uint64_t test_seed(const char* test_name) {
  const char* text = std::getenv("PANAL_TEST_SEED");
  auto seed = text != nullptr ? std::strtoull(text, nullptr, 10)
                              : std::random_device{}();
  std::printf("%s: PANAL_TEST_SEED=%llu\n", test_name,
              static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

void latencies::add(const latencies& other) {
  all_.insert(all_.end(), other.all_.begin(), other.all_.end());
}

milliseconds latencies::percentile(double share) const {
  if (all_.empty())
    return milliseconds{0};
  auto sorted = all_;
  auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  auto at = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  auto nth = sorted.begin() + static_cast<std::ptrdiff_t>(at);
  std::nth_element(sorted.begin(), nth, sorted.end());
  return std::chrono::ceil<milliseconds>(*nth);
}

plan own_keys(std::size_t keys_per_thread, std::size_t nodes, double removes) {
  return [=](std::mt19937_64& random, std::size_t thread, std::int64_t) {
    // Rising over all loads of a test, so that a later one is not refused.
    static std::atomic<std::int64_t> versions{0};
    planned result;
    result.key = text("t", thread, "-k", random() % keys_per_thread);
    result.node = random() % nodes;
    result.is_put = std::bernoulli_distribution{1 - removes}(random);
    result.version = ++versions;
    return result;
  };
}

plan shared_keys(std::size_t keys, std::size_t nodes, std::int64_t versions,
                 milliseconds pause_max) {
  return [=](std::mt19937_64& random, std::size_t, std::int64_t) {
    auto below = [&](std::int64_t end) {
      return static_cast<std::int64_t>(random()
                                       % static_cast<std::uint64_t>(end));
    };
    planned result;
    result.key = text("shared-", random() % keys);
    result.node = random() % nodes;
    auto kind = below(10);
    result.is_put = kind < 8;
    result.version = below(versions);
    result.ttl_ms = kind == 0 ? 1 + below(200) : 0;
    result.pause = milliseconds{below(pause_max.count() + 1)};
    return result;
  };
}

load::load(recorder& into, load_setup setup, plan what)
    : recorder_{into}, setup_{std::move(setup)}, plan_{std::move(what)} {
  per_thread_.resize(setup_.threads);
  for (std::size_t i = 0; i < setup_.threads; ++i)
    threads_.emplace_back(
        [this, i](const std::stop_token& stopping) { write(i, stopping); });
}

void load::stop() {
  for (auto& thread : threads_)
    thread.request_stop();
  threads_.clear();
  for (const auto& one : per_thread_)
    took_.add(one);
  per_thread_.clear();
}

bool load::wait_for_more(std::size_t count, milliseconds limit) {
  auto target = answered() + count;
  return eventually(limit, [&] { return answered() >= target; });
}

void load::write(std::size_t thread, const std::stop_token& stopping) {
  std::seed_seq seeds{setup_.seed, std::uint64_t{thread}};
  std::mt19937_64 random{seeds};
  std::vector<http_client> clients;
  for (const auto& to : setup_.nodes)
    clients.emplace_back(to, setup_.timeout);
  for (std::int64_t step = 0; !stopping.stop_requested(); ++step) {
    auto what = plan_(random, thread, step);
    if (what.pause.count() > 0)
      std::this_thread::sleep_for(what.pause);
    auto value = text('"', setup_.seed % 1000, '-', thread, '-', step);
    value.append(random() % (2 * setup_.value_bytes), 'x').append("\"");
    auto began = steady::now();
    if (carry_out(clients[what.node], what, value))
      per_thread_[thread].add(steady::now() - began);
  }
}

bool load::carry_out(http_client& at, const planned& what,
                     const std::string& value) {
  auto ticket = what.is_put ? recorder_.put_called(
                    what.key, what.node, what.version, value, what.ttl_ms)
                            : recorder_.remove_called(what.key, what.node);
  auto answer = what.is_put ? at.put(what.key, value, what.version, what.ttl_ms)
                            : at.remove(what.key);
  recorder_.answered(ticket, answer);
  if (answer.status == 0) {
    // A node that is down refuses at once: no point in asking faster.
    std::this_thread::sleep_for(milliseconds{5});
    return false;
  }
  ++answered_;
  return true;
}

namespace {

/// Carries out `ask(client, key)`, which returns the status, for many keys.
template <class F>
std::size_t for_many(const std::vector<endpoint>& to, const std::string& prefix,
                     std::size_t count, F ask) {
  constexpr std::size_t thread_count = 8;
  std::atomic<std::size_t> failures{0};
  std::vector<std::jthread> threads;
  for (std::size_t first = 0; first < thread_count; ++first)
    threads.emplace_back([&, first] {
      http_client client{to[first % to.size()]};
      for (auto n = first; n < count; n += thread_count)
        if (ask(client, prefix + std::to_string(n)) != 200)
          ++failures;
    });
  threads.clear();
  return failures;
}

} // namespace

std::size_t put_many(const std::vector<endpoint>& to, const std::string& prefix,
                     std::size_t count, std::int64_t version) {
  return for_many(to, prefix, count, [&](auto& client, const std::string& key) {
    auto value = text('"', key, " version ", version, '"');
    return client.put(key, value, version).status;
  });
}

std::size_t remove_many(const std::vector<endpoint>& to,
                        const std::string& prefix, std::size_t count) {
  return for_many(to, prefix, count, [](auto& client, const std::string& key) {
    return client.remove(key).status;
  });
}

std::vector<std::string> key_names(const std::string& prefix,
                                   std::size_t count) {
  std::vector<std::string> result;
  for (std::size_t n = 0; n < count; ++n)
    result.push_back(prefix + std::to_string(n));
  return result;
}

probe::probe(endpoint to, std::string key)
    : client_{std::move(to)},
      key_{std::move(key)},
      thread_{[this](const std::stop_token& stopping) { run(stopping); }} {}

void probe::stop() {
  thread_.request_stop();
  if (thread_.joinable())
    thread_.join();
}

void probe::run(const std::stop_token& stopping) {
  while (!stopping.stop_requested()) {
    auto began = steady::now();
    auto answer = client_.get(key_);
    auto took = steady::now() - began;
    ++asked_;
    if (answer.status == 0 || answer.status >= 500)
      ++failed_;
    // No answer is the slowest answer: it must not flatter the percentile.
    took_.add(took);
    std::this_thread::sleep_for(milliseconds{2});
  }
}

std::string objections(const recorder& by, const endpoint& at) {
  http_client client{at};
  std::string result;
  for (const auto& key : by.keys())
    if (auto why = by.objection(key, client.get(key)))
      result += "at " + at.str() + " " + *why;
  return result;
}

} // namespace panal::test
