#include "storage/node_conditions.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace panal;

TEST_CASE("nothing is wrong with a node of which nothing was said") {
  const node_conditions node;
  CHECK_FALSE(node.any());
  CHECK(node.stated().empty());
  CHECK(node.figures().empty());
}

TEST_CASE("a condition holds from set to clear") {
  node_conditions node;
  CHECK(node.set(condition::disk_full));
  CHECK_FALSE(node.set(condition::disk_full));
  CHECK(node.any());
  REQUIRE(node.stated().size() == 1);
  CHECK(node.stated().front().what == condition::disk_full);
  CHECK_FALSE(node.stated().front().detail.empty());
  CHECK_FALSE(node.stated().front().count);
  CHECK(node.clear(condition::disk_full));
  CHECK_FALSE(node.clear(condition::disk_full));
  CHECK_FALSE(node.any());
}

TEST_CASE("a condition that counts tells its newest count") {
  node_conditions node;
  node.set(condition::notes_owed, 3);
  CHECK(node.stated().front().count == 3);
  CHECK_FALSE(node.set(condition::notes_owed, 2));
  CHECK(node.stated().front().count == 2);
  node.set(condition::notes_owed, 0);
  CHECK(node.count(condition::notes_owed) == 1);
}

TEST_CASE("threads that count together count right") {
  node_conditions node;
  std::vector<std::thread> all;
  for (int i = 0; i < 4; ++i)
    all.emplace_back([&node] {
      for (int n = 0; n < 1'000; ++n) {
        node.raise(condition::backlog_unreadable, 2);
        node.lower(condition::backlog_unreadable);
      }
    });
  for (auto& one : all)
    one.join();
  CHECK(node.count(condition::backlog_unreadable) == 4'000);
  node.lower(condition::backlog_unreadable, 4'000);
  CHECK_FALSE(node.any());
}

TEST_CASE("a figure is shown once it was given, and is nothing wrong") {
  node_conditions node;
  node.show(figure::reserve_bytes, 0);
  CHECK_FALSE(node.any());
  REQUIRE(node.figures().size() == 1);
  CHECK(node.figures().front().value == 0);
  node.show(figure::reserve_bytes, 7);
  CHECK(node.figures().front().value == 7);
}

TEST_CASE("conditions and figures have names of their own, and words") {
  node_conditions node;
  std::set<std::string> names;
  for (std::size_t i = 0; i < conditions_count; ++i)
    node.set(static_cast<condition>(i));
  for (const auto& one : node.stated()) {
    names.emplace(to_string(one.what));
    CHECK_FALSE(one.detail.empty());
  }
  for (std::size_t i = 0; i < figures_count; ++i)
    names.emplace(to_string(static_cast<figure>(i)));
  CHECK(names.size() == conditions_count + figures_count);
  CHECK_FALSE(names.contains(""));
  CHECK_FALSE(names.contains("unknown"));
}
