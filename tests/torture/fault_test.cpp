// Schedules: the same from the same seed, and never without a node that has
// no fault of its own.

#include "tests/torture/fault.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <vector>

using namespace panal::torture;

namespace {

std::vector<fault> first_faults(const fault_setup& setup, std::size_t count) {
  fault_schedule schedule{setup};
  std::vector<fault> result;
  for (std::size_t i = 0; i < count; ++i)
    result.push_back(schedule.next());
  return result;
}

bool under_way(const fault& what, milliseconds when) {
  return what.starts <= when && when < what.starts + what.lasts;
}

} // namespace

TEST_CASE("schedule: a seed gives one schedule, another seed another") {
  auto texts = [](std::uint64_t seed) {
    std::string result;
    for (const auto& one : first_faults(
             {.nodes = 5, .seed = seed, .clock_range = milliseconds{100}}, 50))
      result += describe(one) + '\n';
    return result;
  };
  CHECK(texts(7) == texts(7));
  CHECK(texts(7) != texts(8));
}

TEST_CASE("schedule: every kind occurs, clocks only where they may") {
  auto kinds = [](milliseconds range) {
    std::set<fault_kind> result;
    for (const auto& one :
         first_faults({.nodes = 3, .seed = 1, .clock_range = range}, 500))
      result.insert(one.what);
    return result;
  };
  CHECK(kinds(milliseconds{100}).size() == fault_kind_count);
  CHECK(kinds(milliseconds{0}).count(fault_kind::clock) == 0);
}

TEST_CASE("schedule: nodes have one fault each, and one has none") {
  for (std::size_t nodes : {3U, 5U}) {
    auto all = first_faults(
        {.nodes = nodes, .seed = 3, .clock_range = milliseconds{100}}, 500);
    for (const auto& now : all) {
      std::multiset<std::size_t> busy;
      for (const auto& one : all)
        if (is_of_node(one.what) && under_way(one, now.starts))
          busy.insert(one.node);
      CHECK(busy.size() < nodes);
      for (auto node : busy)
        CHECK(busy.count(node) == 1);
    }
  }
}

TEST_CASE("schedule: links have two ends, splits two sides, clocks a bound") {
  for (const auto& one : first_faults(
           {.nodes = 5, .seed = 9, .clock_range = milliseconds{100}}, 500)) {
    CAPTURE(describe(one));
    CHECK(one.lasts.count() > 0);
    CHECK((is_of_node(one.what) || one.node != one.peer));
    if (one.what == fault_kind::split) {
      CHECK(one.sides > 0);
      CHECK(one.sides < 31);
    }
    CHECK(std::abs(one.offset_ms) <= 100);
  }
}
