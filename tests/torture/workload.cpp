#include "tests/torture/workload.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace panal::torture {

namespace {

using test::text;

bool chance(std::mt19937_64& random, double share) {
  return std::uniform_real_distribution<>{}(random) < share;
}

std::int64_t draw_ttl(std::mt19937_64& random) {
  auto kind = random() % 10;
  if (kind < 6)
    return 20 + static_cast<std::int64_t>(random() % 500);
  return kind < 9 ? 500 + static_cast<std::int64_t>(random() % 2'500)
                  : 3'600'000;
}

} // namespace

workload::workload(workload_setup setup) : setup_{std::move(setup)} {
  for (std::size_t i = 0; i < setup_.keys; ++i)
    versions_.emplace_back(0);
  per_thread_.resize(setup_.nodes.size() * setup_.threads_per_node);
  for (std::size_t i = 0; i < per_thread_.size(); ++i)
    threads_.emplace_back(
        [this, i](const std::stop_token& stopping) { work(i, stopping); });
}

void workload::stop() {
  for (auto& one : threads_)
    one.request_stop();
  threads_.clear();
}

history workload::take() {
  history result;
  for (auto& part : per_thread_) {
    std::move(part.begin(), part.end(), std::back_inserter(result));
    part.clear();
  }
  return result;
}

std::vector<std::string> workload::keys() const {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < setup_.keys; ++i)
    result.push_back(text(setup_.key_prefix, 'k', i));
  return result;
}

void workload::work(std::size_t thread, const std::stop_token& stopping) {
  std::seed_seq seeds{setup_.seed, std::uint64_t{thread}};
  std::mt19937_64 random{seeds};
  // A stopped node stops its own clients only.
  auto node = thread % setup_.nodes.size();
  test::http_client client{setup_.nodes[node], setup_.timeout};
  for (std::size_t step = 0; !stopping.stop_requested(); ++step) {
    auto index = next_++;
    if (index >= setup_.operations)
      return;
    wait_for_turn(index);
    auto op = draw(random, thread, step);
    op.node = node;
    carry_out(op, client);
    // A node that is down refuses at once: no point in asking faster.
    if (op.status == 0)
      std::this_thread::sleep_for(milliseconds{10});
    per_thread_[thread].push_back(std::move(op));
    ++done_;
  }
}

void workload::wait_for_turn(std::size_t index) const {
  if (setup_.spread.count() > 0)
    std::this_thread::sleep_until(began_
                                  + setup_.spread * index / setup_.operations);
}

operation workload::draw(std::mt19937_64& random, std::size_t thread,
                         std::size_t step) {
  operation result;
  auto key = random() % setup_.keys;
  result.key = text(setup_.key_prefix, 'k', key);
  auto kind = std::uniform_real_distribution<>{}(random);
  if (kind < setup_.gets)
    return result;
  if (kind < setup_.gets + setup_.removes) {
    result.what = action::remove;
    return result;
  }
  result.what = action::put;
  result.puts.version = draw_version(random, key);
  result.puts.value = text('"', thread, '-', step, '-');
  result.puts.value.append(random() % (setup_.value_bytes + 1), 'x')
      .append("\"");
  if (chance(random, setup_.expiring))
    result.ttl_ms = draw_ttl(random);
  return result;
}

/// Mostly above all before it; some as high, some below, some far above.
std::int64_t workload::draw_version(std::mt19937_64& random, std::size_t key) {
  auto& highest = versions_[key];
  auto kind = random() % 20;
  if (kind == 0)
    return highest += 1 + static_cast<std::int64_t>(random() % 20);
  if (kind < 16)
    return ++highest;
  auto below = kind < 18 ? 0 : static_cast<std::int64_t>(random() % 5);
  return std::max<std::int64_t>(0, highest - below);
}

void carry_out(operation& which, test::http_client& by) {
  test::reply told;
  which.called = steady::now();
  switch (which.what) {
  case action::put:
    told =
        by.put(which.key, which.puts.value, which.puts.version, which.ttl_ms);
    break;
  case action::remove:
    told = by.remove(which.key);
    break;
  case action::get:
    told = by.get(which.key);
    break;
  }
  answer(which, told, steady::now());
}

history read_all_at(std::size_t node, const endpoint& at,
                    const std::vector<std::string>& keys) {
  auto called = steady::now();
  auto told = test::get_many(at, keys);
  auto returned = steady::now();
  history result;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    operation op;
    op.node = node;
    op.key = keys[i];
    op.called = called;
    answer(op, told[i], returned);
    result.push_back(std::move(op));
  }
  return result;
}

namespace {

bool differ(const history& reads, std::size_t keys) {
  for (auto i = keys; i < reads.size(); ++i)
    if (reads[i].came_to != outcome::ok
        || reads[i].found != reads[i % keys].found)
      return true;
  return false;
}

history read_all(const std::vector<endpoint>& nodes,
                 const std::vector<std::string>& keys) {
  history result;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    auto part = read_all_at(n, nodes[n], keys);
    std::move(part.begin(), part.end(), std::back_inserter(result));
  }
  return result;
}

} // namespace

history read_settled(const std::vector<endpoint>& nodes,
                     const std::vector<std::string>& keys) {
  constexpr int tries_max = 10;
  auto result = read_all(nodes, keys);
  for (int tries = 1; tries < tries_max && differ(result, keys.size()); ++tries)
    result = read_all(nodes, keys);
  return result;
}

} // namespace panal::torture
