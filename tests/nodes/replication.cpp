// What is written at one node is there at the others: puts, deletes and
// expiries, whoever started first and whoever knows whom.

#include "tests/nodes/load.hpp"
#include "tests/nodes/proxy.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// Waits until `at` answers a GET of `key` with this status.
bool becomes(const node& at, const std::string& key, int status,
             milliseconds limit = patience) {
  auto client = at.client();
  return eventually(limit, [&] { return client.get(key).status == status; });
}

/// Writes one key at each node and waits until it is everywhere.
void check_spreads(cluster& nodes, const std::string& prefix) {
  for (std::size_t from = 0; from < nodes.size(); ++from) {
    auto key = prefix + nodes[from].id();
    REQUIRE(nodes[from].client().put(key, "1", 1).status == 200);
    for (std::size_t to = 0; to < nodes.size(); ++to) {
      CAPTURE(key);
      CAPTURE(nodes[to].id());
      CHECK(becomes(nodes[to], key, 200));
    }
  }
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

} // namespace

TEST_CASE("a write at any node is readable at all others, as it is") {
  cluster nodes;
  check_spreads(nodes, "from-");
  REQUIRE(nodes[0].client().put("k", "{ \"a\" : 1.10 }", 7).status == 200);
  REQUIRE(becomes(nodes[2], "k", 200));
  auto got = nodes[2].client().get("k");
  CHECK(got.value == "{ \"a\" : 1.10 }");
  CHECK(got.version == 7);
  CHECK(nodes[2].client().put("k", "2", 7).status == 409);
}

TEST_CASE("a write is readable elsewhere within a moment") {
  cluster nodes;
  auto from = nodes[0].client();
  auto to = nodes[1].client();
  latencies took;
  for (std::size_t i = 0; i < scaled(300); ++i) {
    auto key = text("k", i);
    REQUIRE(from.put(key, "1", 1).status == 200);
    auto began = steady::now();
    REQUIRE(eventually(seconds{5}, [&] { return to.get(key).status == 200; }));
    took.add(steady::now() - began);
  }
  std::printf("readable elsewhere after %lld ms at most in half of all "
              "cases, %lld ms in 99 %%\n",
              static_cast<long long>(took.percentile(0.5).count()),
              static_cast<long long>(took.percentile(0.99).count()));
  // The goal is 10 ms; a busy machine of two cores gets some room.
  CHECK(took.percentile(0.5) <= milliseconds{20});
  CHECK(took.percentile(0.99) <= milliseconds{250});
}

TEST_CASE("one reachable member is enough to learn of all") {
  cluster_setup setup;
  setup.nodes = 4;
  setup.joins = topology::chain;
  cluster nodes{setup};
  check_spreads(nodes, "from-");
}

TEST_CASE("a cluster forms when everyone joins everyone") {
  cluster_setup setup;
  setup.nodes = 4;
  setup.joins = topology::all;
  cluster nodes{setup};
  check_spreads(nodes, "from-");
}

TEST_CASE("a node that joins later gets what was written before") {
  cluster_setup setup;
  setup.nodes = 2;
  cluster nodes{setup};
  auto count = scaled(2'000);
  REQUIRE(put_many(nodes.http_endpoints(), "k-", count, 1) == 0);
  REQUIRE(nodes[0].client().put("gone", "1", 1).status == 200);
  REQUIRE(nodes[0].client().remove("gone").status == 200);
  nodes.grow();
  CHECK(nodes.connected());
  auto same =
      all_equal(nodes.http_endpoints(), key_names("k-", count), seconds{15});
  CAPTURE(same.difference);
  CHECK(same.reached);
  CHECK(nodes[2].client().get("k-0").status == 200);
  CHECK(nodes[2].client().get("gone").status == 404);
}

TEST_CASE("the order of starting does not matter: the seed may come last") {
  // A port for the seed, which nobody listens on while the others start.
  node_setup seed_setup;
  seed_setup.id = "seed";
  seed_setup.clustered = true;
  node seed{seed_setup};
  seed.start();
  auto seed_address = seed.cluster().str();
  REQUIRE(seed.terminate());

  node_setup setup;
  setup.clustered = true;
  setup.join = {seed_address};
  setup.id = "early1";
  node early1{setup};
  setup.id = "early2";
  node early2{setup};
  early1.start();
  early2.start();
  // Nothing waits for a peer: they serve alone.
  REQUIRE(early1.client().put("before", "1", 1).status == 200);
  seed.start();
  CHECK(becomes(seed, "before", 200));
  CHECK(becomes(early2, "before", 200));
  CHECK(early1.wait_event("peer_up", {{"peer", "early2"}}, patience));
  CHECK(early2.wait_event("peer_up", {{"peer", "seed"}}, patience));
  REQUIRE(early2.client().put("after", "1", 1).status == 200);
  CHECK(becomes(early1, "after", 200));
}

TEST_CASE("a node that joins itself, or a member twice, is no peer of itself") {
  node first{member_named("first")};
  first.start();
  auto own = first.cluster().str();
  REQUIRE(first.terminate());
  first.set_join({own, own});
  first.start();
  node second{member_named("second", {own, own})};
  second.start();
  CHECK(first.wait_event("peer_up", {{"peer", "second"}}, patience));
  REQUIRE(second.client().put("k", "1", 1).status == 200);
  CHECK(becomes(first, "k", 200));
  CHECK(first.peers_up() == std::set<std::string>{"second"});
  CHECK(second.peers_up() == std::set<std::string>{"first"});
}

TEST_CASE("a restarted node finds its peers again without --join") {
  cluster nodes;
  check_spreads(nodes, "before-");
  // All of them at once: nobody is left who could tell the others.
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    REQUIRE(nodes[i].terminate());
    nodes[i].set_join({});
  }
  for (std::size_t i = nodes.size(); i-- > 0;)
    nodes[i].start();
  CAPTURE(nodes.describe());
  CHECK(nodes.connected());
  check_spreads(nodes, "after-");
}

TEST_CASE("members that were all killed -9 find each other without --join") {
  cluster nodes;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    nodes[i].kill9();
    nodes[i].set_join({});
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    nodes[i].start();
  CAPTURE(nodes.describe());
  CHECK(nodes.connected());
  check_spreads(nodes, "after-");
}

TEST_CASE("a delete at one node deletes at all") {
  cluster nodes;
  REQUIRE(nodes[0].client().put("k", "1", 9).status == 200);
  REQUIRE(becomes(nodes[1], "k", 200));
  REQUIRE(becomes(nodes[2], "k", 200));
  REQUIRE(nodes[1].client().remove("k").status == 200);
  CHECK(becomes(nodes[0], "k", 404));
  CHECK(becomes(nodes[2], "k", 404));
  REQUIRE(nodes[2].client().put("k", "2", 1).status == 200);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto client = nodes[i].client();
    CHECK(eventually(patience, [&] { return client.get("k").value == "2"; }));
  }
}

TEST_CASE("an expiry is one moment at all nodes, also at one that was down") {
  cluster nodes;
  constexpr milliseconds ttl{4'000};
  nodes[2].kill9();
  REQUIRE(nodes[0].client().put("k", "1", 9, ttl.count()).status == 200);
  auto accepted = now_ms();
  REQUIRE(becomes(nodes[1], "k", 200));
  // It hears of the entry late, which gives it no longer life there.
  nodes[2].start();
  REQUIRE(becomes(nodes[2], "k", 200));
  auto expires_at = nodes[0].client().get("k").expires_at;
  CHECK(nodes[1].client().get("k").expires_at == expires_at);
  CHECK(nodes[2].client().get("k").expires_at == expires_at);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CAPTURE(i);
    CHECK(becomes(nodes[i], "k", 404));
    CHECK(now_ms() <= accepted + ttl.count() + 200);
  }
  CHECK(now_ms() >= accepted + ttl.count() - 50);
  REQUIRE(nodes[1].client().put("k", "2", 1).status == 200);
  CHECK(becomes(nodes[0], "k", 200));
  CHECK(becomes(nodes[2], "k", 200));
}

TEST_CASE("a large value crosses, and so do many at once") {
  cluster nodes;
  auto large = text('"', std::string(1'000'000, 'x'), '"');
  auto from = nodes[0].client();
  for (int i = 0; i < 20; ++i)
    REQUIRE(from.put(text("large-", i), large, 1).status == 200);
  auto same =
      all_equal(nodes.http_endpoints(), key_names("large-", 20), seconds{15});
  CAPTURE(same.difference);
  CHECK(same.reached);
  CHECK(nodes[1].client().get("large-19").value == large);
}

TEST_CASE("peers that share a secret replicate") {
  cluster_setup setup;
  setup.secret = "a secret of more than sixteen bytes";
  cluster nodes{setup};
  check_spreads(nodes, "from-");
}

TEST_CASE("with a secret, a cluster host other than loopback is allowed") {
  auto setup = member_named("first", {}, "a secret of more than sixteen bytes");
  setup.cluster_host = "0.0.0.0";
  setup.more = {"--cluster-advertise=127.0.0.1:1"};
  node first{setup};
  first.start();
  endpoint reached{test_host(), first.cluster().port};
  node second{member_named("second", {reached.str()},
                           "a secret of more than sixteen bytes")};
  second.start();
  REQUIRE(first.client().put("k", "1", 1).status == 200);
  CHECK(becomes(second, "k", 200));
}
