// Nodes that lost their data directories and started first give way to the one
// that has kept its own, and never the other way round.

#include "tests/nodes/load.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

using namespace panal::test;
using std::chrono::seconds;

namespace {

constexpr std::size_t key_count = 280;
/// A line is drawn every ten seconds.
constexpr auto line_within = seconds{40};

std::string page_of(const node& at) {
  return at.client().request("GET", "/api/v1/cluster").body;
}

bool has_line(const node& at) {
  const auto page = page_of(at);
  return page.find("\"line\":\"") != std::string::npos;
}

std::string identity_of(const node& at) {
  const auto page = page_of(at);
  const auto begin = page.find("\"identity\":");
  return begin == std::string::npos
             ? std::string{}
             : page.substr(begin, page.find('}', begin) - begin);
}

bool all_belong(const cluster& nodes) {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (identity_of(nodes[i]).find("born_at") == std::string::npos)
      return false;
  return true;
}

std::size_t count_held(const node& at, const std::vector<std::string>& keys) {
  std::size_t held = 0;
  for (const auto& one : get_many(at.http(), keys))
    held += one.status == 200 ? 1U : 0U;
  return held;
}

void lose_directory(const node& of) {
  std::filesystem::remove_all(of.data_dir());
}

/// Three nodes that hold the same keys, of which the first two lose their
/// directories and have drawn a line before the third is there again.
struct two_lost {
  two_lost() {
    REQUIRE(put_many(nodes.http_endpoints(), "old-", key_count, 1) == 0);
    REQUIRE(all_equal(nodes.http_endpoints(), keys, patience).reached);
    REQUIRE(eventually(patience, [&] { return all_belong(nodes); }));
    born_first = identity_of(nodes[2]);
    for (std::size_t i = 0; i < nodes.size(); ++i)
      nodes[i].kill9();
    lose_directory(nodes[0]);
    lose_directory(nodes[1]);
    nodes[0].start();
    nodes[1].start();
  }

  cluster nodes;
  std::vector<std::string> keys = key_names("old-", key_count);
  std::string born_first;
};

} // namespace

TEST_CASE("two nodes without their data do not erase the one that has it") {
  two_lost t;
  auto& nodes = t.nodes;
  REQUIRE(eventually(line_within,
                     [&] { return has_line(nodes[0]) && has_line(nodes[1]); }));
  CHECK(identity_of(nodes[0]) != t.born_first);
  REQUIRE(put_many({nodes[0].http()}, "new-", 50, 1) == 0);
  nodes[2].start();

  auto all = t.keys;
  const auto fresh = key_names("new-", 50);
  all.insert(all.end(), fresh.begin(), fresh.end());
  const auto same = all_equal(nodes.http_endpoints(), all, seconds{40});
  CAPTURE(same.difference);
  CAPTURE(nodes.describe());
  CHECK(same.reached);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CAPTURE(i);
    CHECK(count_held(nodes[i], all) == all.size());
    CHECK(identity_of(nodes[i]) == t.born_first);
  }
  // Both sides say so.
  CHECK(nodes[2].count_events("another_cluster", {{"gives_way", "the peer"}})
        >= 1);
  CHECK(nodes[2].count_events("rejoining") == 0);
  for (std::size_t i = 0; i < 2; ++i) {
    CAPTURE(i);
    CHECK(nodes[i].count_events("another_cluster", {{"gives_way", "this node"}})
          == 1);
    CHECK(nodes[i].count_events("rejoining") >= 1);
  }
}

TEST_CASE(
    "a node that finds nobody of its cluster says that it is provisional") {
  cluster_setup setup;
  setup.nodes = 2;
  cluster nodes{setup};
  REQUIRE(put_many(nodes.http_endpoints(), "old-", 20, 1) == 0);
  REQUIRE(eventually(patience, [&] { return all_belong(nodes); }));
  nodes[0].kill9();
  nodes[1].kill9();
  lose_directory(nodes[1]);
  nodes[1].start();
  CHECK(page_of(nodes[1]).find("\"status\":\"provisional\"")
        != std::string::npos);
  CHECK(page_of(nodes[1]).find("\"identity\":null") != std::string::npos);
  // It serves, and what it takes is not lost.
  REQUIRE(put_many({nodes[1].http()}, "new-", 20, 1) == 0);
  nodes[0].start();
  auto all = key_names("old-", 20);
  const auto fresh = key_names("new-", 20);
  all.insert(all.end(), fresh.begin(), fresh.end());
  const auto same = all_equal(nodes.http_endpoints(), all, seconds{40});
  CAPTURE(same.difference);
  CAPTURE(nodes.describe());
  CHECK(same.reached);
  CHECK(count_held(nodes[1], all) == all.size());
  CHECK(identity_of(nodes[1]) == identity_of(nodes[0]));
}
