// A node that was away for thousands of writes is equal soon after it is back,
// however it went and whatever happened to the others meanwhile.

#include "tests/nodes/load.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace panal::test;
using std::chrono::seconds;

namespace {

constexpr milliseconds equal_within{10'000};

std::size_t write_count() {
  return scaled(10'000, 100);
}

/// How many of the keys `at` does not hold in this version.
std::size_t count_lacking(const node& at, const std::vector<std::string>& keys,
                          std::int64_t version) {
  auto replies = get_many(at.http(), keys);
  return static_cast<std::size_t>(
      std::count_if(replies.begin(), replies.end(), [&](const reply& one) {
        return one.status != 200 || one.version != version;
      }));
}

/// Everything on nodes 1 and 2 changes while node 3 is away: half of what it
/// knew is overwritten or deleted, as much again is new to it.
class changes {
public:
  explicit changes(cluster& nodes) : nodes_{nodes}, count_{write_count()} {
    auto known = put_many(nodes.http_endpoints(), "old-", count_, 1);
    REQUIRE(known == 0);
    REQUIRE(all_equal(nodes.http_endpoints(), key_names("old-", count_),
                      seconds{20})
                .reached);
  }

  void make() {
    std::vector<endpoint> up{nodes_[0].http(), nodes_[1].http()};
    REQUIRE(put_many(up, "old-", count_ / 2, 2) == 0);
    REQUIRE(put_many(up, "new-", count_ / 2, 7) == 0);
    auto client = nodes_[0].client();
    for (std::size_t i = count_ / 2; i < count_ / 2 + 100 && i < count_; ++i) {
      deleted_.push_back(text("old-", i));
      REQUIRE(client.remove(deleted_.back()).status == 200);
    }
  }

  void check_equal_soon() {
    auto began = steady::now();
    auto keys = key_names("old-", count_);
    auto fresh = key_names("new-", count_ / 2);
    keys.insert(keys.end(), fresh.begin(), fresh.end());
    auto same = all_equal(nodes_.http_endpoints(), keys, equal_within);
    CAPTURE(same.difference);
    CAPTURE(nodes_.describe());
    CHECK(same.reached);
    std::printf("equal after %lld ms\n",
                static_cast<long long>(same.took.count()));
    CHECK(count_lacking(nodes_[2], fresh, 7) == 0);
    CHECK(count_lacking(nodes_[2], key_names("old-", count_ / 2), 2) == 0);
    for (const auto& one : get_many(nodes_[2].http(), deleted_))
      CHECK(one.status == 404);
    CHECK(steady::now() - began < 2 * equal_within);
  }

private:
  cluster& nodes_;
  std::size_t count_;
  std::vector<std::string> deleted_;
};

} // namespace

TEST_CASE("a node that was stopped in order is equal soon after its return") {
  cluster nodes;
  changes all{nodes};
  auto ended = nodes[2].terminate();
  REQUIRE(ended);
  CHECK(ended->code == 0);
  all.make();
  nodes[2].start();
  all.check_equal_soon();
}

TEST_CASE("a node that was killed -9 is equal soon after its return") {
  cluster nodes;
  changes all{nodes};
  nodes[2].kill9();
  all.make();
  nodes[2].start();
  all.check_equal_soon();
}

TEST_CASE("a node is equal soon though all others were restarted meanwhile") {
  cluster nodes;
  changes all{nodes};
  nodes[2].kill9();
  all.make();
  nodes[0].restart();
  nodes[1].kill9();
  nodes[1].start();
  nodes[2].start();
  all.check_equal_soon();
}

TEST_CASE("a node that is killed in the middle of catching up starts over") {
  auto seed = test_seed("killed in the middle");
  std::mt19937_64 random{seed};
  cluster nodes;
  changes all{nodes};
  nodes[2].kill9();
  all.make();
  for (int i = 0; i < 5; ++i) {
    nodes[2].start();
    auto until = steady::now() + milliseconds{random() % 200};
    eventually(seconds{1}, [&] { return steady::now() > until; });
    nodes[2].kill9();
  }
  nodes[2].start();
  all.check_equal_soon();
}

TEST_CASE("what a node acknowledged just before kill -9 reaches the others") {
  cluster nodes;
  auto keys = key_names("last-", 300);
  for (int round = 0; round < 3; ++round) {
    CAPTURE(round);
    REQUIRE(put_many({nodes[2].http()}, "last-", 300, round + 1) == 0);
    nodes[2].kill9();
    nodes[2].start();
    auto same = all_equal(nodes.http_endpoints(), keys, equal_within);
    CAPTURE(same.difference);
    CHECK(same.reached);
    CHECK(count_lacking(nodes[0], keys, round + 1) == 0);
  }
}

TEST_CASE("what was under way to a stopped peer is sent again after all died") {
  cluster_setup setup;
  setup.nodes = 2;
  cluster nodes{setup};
  auto keys = key_names("way-", 1'000);
  REQUIRE(put_many({nodes[0].http()}, "way-", 1'000, 1) == 0);
  REQUIRE(all_equal(nodes.http_endpoints(), keys, patience).reached);
  nodes[1].stop();
  // It is sent, and lies in the sockets between the two, never merged.
  REQUIRE(put_many({nodes[0].http()}, "way-", 1'000, 2) == 0);
  // The sender has had the time to note how far it got, but not yet to notice
  // that nobody listens.
  auto until = steady::now() + milliseconds{1'200};
  eventually(seconds{2}, [&] { return steady::now() > until; });
  nodes[0].kill9();
  nodes[1].kill9();
  nodes[0].start();
  nodes[1].start();
  auto same = all_equal(nodes.http_endpoints(), keys, equal_within);
  CAPTURE(same.difference);
  CHECK(same.reached);
  CHECK(count_lacking(nodes[1], keys, 2) == 0);
}

TEST_CASE("writes of both sides cross when a node was away") {
  cluster nodes;
  nodes[0].kill9();
  nodes[1].kill9();
  REQUIRE(put_many({nodes[2].http()}, "third-", 500, 1) == 0);
  nodes[2].kill9();
  nodes[0].start();
  nodes[1].start();
  REQUIRE(put_many({nodes[0].http()}, "first-", 500, 1) == 0);
  nodes[2].start();
  auto keys = key_names("third-", 500);
  auto more = key_names("first-", 500);
  keys.insert(keys.end(), more.begin(), more.end());
  auto same = all_equal(nodes.http_endpoints(), keys, equal_within);
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    CHECK(count_lacking(nodes[i], keys, 1) == 0);
}
