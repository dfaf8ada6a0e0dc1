// Real nodes over mutual TLS: they converge, a node with a certificate of
// another name stays outside, and SIGHUP takes new certificates.

#include "tests/support/node.hpp"
#include "tests/support/test_ca.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <fstream>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// A member with the certificate `shown`, which is its own unless given.
node_setup secured(const test_ca& ca, std::string id,
                   std::vector<std::string> join = {}, std::string shown = {}) {
  if (shown.empty())
    shown = id;
  if (!std::filesystem::exists(ca.certificate(shown)))
    ca.issue(shown);
  auto setup = member_named(std::move(id), std::move(join));
  setup.more = {"--cluster-tls-cert=" + ca.certificate(shown),
                "--cluster-tls-key=" + ca.key(shown),
                "--cluster-tls-ca=" + ca.authority()};
  return setup;
}

void check_replicates(const node& from, const node& to,
                      const std::string& key) {
  REQUIRE(from.client().put(key, "1", 1).status == 200);
  auto client = to.client();
  CHECK(eventually(patience, [&] { return client.get(key).status == 200; }));
}

} // namespace

TEST_CASE("three nodes with TLS find each other and converge") {
  test_ca ca;
  node first{secured(ca, "node1")};
  first.start();
  node second{secured(ca, "node2", {first.cluster().str()})};
  second.start();
  node third{secured(ca, "node3", {first.cluster().str()})};
  third.start();
  std::vector<node*> all{&first, &second, &third};
  for (auto* one : all) {
    CAPTURE(one->program().tail());
    CHECK(eventually(patience, [&] { return one->peers_up().size() == 2; }));
  }
  std::vector<std::string> keys;
  std::vector<endpoint> nodes;
  for (auto* one : all) {
    nodes.push_back(one->http());
    auto client = one->client();
    for (int i = 0; i < 200; ++i) {
      keys.push_back(one->id() + "-" + std::to_string(i));
      REQUIRE(client.put(keys.back(), "1", 1).status == 200);
    }
  }
  auto same = all_equal(nodes, keys, seconds{15});
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (auto* one : all)
    CHECK(one->count_events("peer_down") == 0);
  // An orderly stop is no lost connection to who stops, and it is prompt.
  auto began = steady::now();
  auto ended = third.terminate();
  REQUIRE(ended);
  CHECK(ended->code == 0);
  CHECK(steady::now() - began < seconds{5});
  CHECK(first.wait_event("peer_down", {{"peer", "node3"}}, patience));
  third.start();
  CHECK(first.wait_event("peer_up", {{"peer", "node3"}}, patience));
  check_replicates(third, second, "after-restart");
}

TEST_CASE("a large backlog passes through TLS") {
  test_ca ca;
  node first{secured(ca, "node1")};
  first.start();
  std::vector<std::string> keys;
  auto client = first.client();
  const std::string value = '"' + std::string(200'000, 'x') + '"';
  for (int i = 0; i < 100; ++i) {
    keys.push_back("large-" + std::to_string(i));
    REQUIRE(client.put(keys.back(), value, 1).status == 200);
  }
  node second{secured(ca, "node2", {first.cluster().str()})};
  second.start();
  auto same = all_equal({first.http(), second.http()}, keys, seconds{30});
  CAPTURE(same.difference);
  CHECK(same.reached);
  CHECK(first.count_events("peer_down") == 0);
}

TEST_CASE("a node whose certificate has another name is kept out") {
  test_ca ca;
  node first{secured(ca, "node1")};
  first.start();
  node false_one{secured(ca, "node2", {first.cluster().str()}, "wasp")};
  false_one.start();
  CHECK(
      false_one.wait_event("cluster_tls_name", {{"name", "node2"}}, patience));
  event_fields wrong{{"reason", "wrong_name"}};
  bool logged = first.wait_event("peer_refused", wrong, patience)
                && false_one.wait_event("peer_refused", wrong, patience);
  CAPTURE(first.program().tail());
  CAPTURE(false_one.program().tail());
  CHECK(logged);
  // It tries again and again.
  CHECK(eventually(seconds{20}, [&] {
    return first.count_events("peer_refused", wrong) >= 3;
  }));
  CHECK(first.peers_up().empty());
  CHECK(false_one.peers_up().empty());
}

TEST_CASE("a node without TLS and one of another authority are kept out") {
  test_ca ca;
  test_ca others;
  node first{secured(ca, "node1")};
  first.start();
  node plain{member_named("node2", {first.cluster().str()})};
  plain.start();
  node foreign{secured(others, "node3", {first.cluster().str()})};
  foreign.start();
  CHECK(first.wait_event("peer_refused", {{"reason", "tls"}}, patience));
  CHECK(foreign.wait_event("peer_refused", {{"reason", "tls"}}, patience));
  CHECK(first.peers_up().empty());
  CHECK(plain.peers_up().empty());
  CHECK(foreign.peers_up().empty());
}

TEST_CASE("SIGHUP takes a new certificate without dropping a link") {
  test_ca ca;
  node first{secured(ca, "node1")};
  first.start();
  node second{secured(ca, "node2", {first.cluster().str()})};
  second.start();
  REQUIRE(first.wait_event("peer_up", {{"peer", "node2"}}, patience));
  auto line = first.program().line_count();
  ca.issue("node1");
  first.program().signal(SIGHUP);
  CHECK(first.wait_event("cluster_tls_loaded", {}, patience, line));
  // A broken file is told, and the node goes on with what it had.
  std::ofstream{ca.certificate("node1")} << "nonsense";
  first.program().signal(SIGHUP);
  CHECK(first.wait_event("cluster_tls_kept", {}, patience, line));
  check_replicates(first, second, "after-hangup");
  CHECK(first.count_events("peer_down") == 0);
  CHECK(second.count_events("peer_down") == 0);
  node third{secured(ca, "node3", {first.cluster().str()})};
  third.start();
  CHECK(first.wait_event("peer_up", {{"peer", "node3"}}, patience));
}

TEST_CASE("SIGHUP does a node without TLS, or without peers, no harm") {
  node lone{node_setup{}};
  lone.start();
  node clustered{member_named("node2")};
  clustered.start();
  for (auto* one : {&lone, &clustered}) {
    for (int i = 0; i < 3; ++i)
      one->program().signal(SIGHUP);
    CHECK(one->client().request("GET", "/_health").status == 200);
    auto ended = one->terminate();
    REQUIRE(ended);
    CHECK(ended->code == 0);
  }
}

TEST_CASE("a node does not start with files of TLS that are no good") {
  test_ca ca;
  ca.issue("node1");
  launch what;
  what.program = panal_binary();
  temp_dir own;
  what.arguments = {"--http-host=" + test_host(),
                    "--http-port=0",
                    "--cluster-host=" + test_host(),
                    "--cluster-port=0",
                    "--data-dir=" + (own.path() / "data").string(),
                    "--cluster-tls-cert=" + ca.certificate("node1"),
                    "--cluster-tls-ca=" + ca.authority()};
  int expected = 2;
  std::string named = "cluster-tls-key: missing";
  SUBCASE("one is missing") {}
  SUBCASE("one is something else") {
    what.arguments.push_back("--cluster-tls-key=" + ca.authority());
    expected = 1;
    named = "holds no PEM private key";
  }
  process child{what};
  auto ended = child.wait_exit(patience);
  REQUIRE(ended);
  CHECK(ended->code == expected);
  CHECK(child.wait_for_line(
      [&](auto line) { return line.find(named) != std::string_view::npos; },
      seconds{1}));
}
