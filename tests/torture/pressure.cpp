#include "tests/torture/pressure.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

namespace panal::torture {

using test::milliseconds;
using test::steady;
using test::text;

namespace {

double percentile(std::vector<std::uint32_t>& of, double share) {
  if (of.empty())
    return 0;
  auto rank = std::ceil(share * static_cast<double>(of.size()));
  auto at = of.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 1.0)) - 1;
  std::nth_element(of.begin(), at, of.end());
  return *at;
}

} // namespace

pressure::pressure(pressure_setup setup) : setup_{std::move(setup)} {
  measured_.resize(setup_.nodes.size() * setup_.threads_per_node);
  for (std::size_t i = 0; i < measured_.size(); ++i)
    threads_.emplace_back(
        [this, i](const std::stop_token& stopping) { work(i, stopping); });
}

void pressure::stop() {
  for (auto& one : threads_)
    one.request_stop();
  threads_.clear();
}

std::size_t pressure::open_window() {
  window_ = ++windows_;
  return windows_;
}

std::vector<std::string> pressure::keys() const {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < setup_.keys; ++i)
    result.push_back(text('k', i));
  return result;
}

void pressure::work(std::size_t thread, const std::stop_token& stopping) {
  std::mt19937_64 random{thread};
  const auto value = text('"', std::string(setup_.value_bytes, 'x'), '"');
  test::http_client client{setup_.nodes[thread % setup_.nodes.size()]};
  auto& into = measured_[thread];
  while (!stopping.stop_requested()) {
    if (paused_) {
      std::this_thread::sleep_for(milliseconds{5});
      continue;
    }
    auto window = window_.load();
    if (into.size() <= window)
      into.resize(window + 1);
    auto key = text('k', random() % setup_.keys);
    auto began = steady::now();
    auto told = random() % 4 == 0 ? client.get(key)
                                  : client.put(key, value, ++version_);
    auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        steady::now() - began);
    ++done_;
    if (window == 0 || window != window_)
      continue;
    into[window].took_us.push_back(static_cast<std::uint32_t>(took.count()));
    // Writers compete for the same keys: a refusal is an answer as well.
    if (told.status == 0 || told.status >= 500)
      ++into[window].failures;
  }
}

pressure::figures pressure::of_window(std::size_t number) const {
  std::vector<std::uint32_t> all;
  figures result;
  for (const auto& one : measured_) {
    if (one.size() <= number)
      continue;
    const auto& part = one[number];
    all.insert(all.end(), part.took_us.begin(), part.took_us.end());
    result.failures += part.failures;
  }
  result.answers = all.size();
  result.p50_us = percentile(all, 0.5);
  result.p99_us = percentile(all, 0.99);
  return result;
}

} // namespace panal::torture
