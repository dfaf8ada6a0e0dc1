// Whoever can reach the cluster port but is no peer: garbage, silence, crowds
// and wrong secrets leave the node serving, its peers connected, and its files
// and memory as they were.

#include "tests/nodes/load.hpp"
#include "tests/nodes/proxy.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>

using namespace panal::test;
using std::chrono::seconds;

namespace {

const char* const secret = "a secret of more than sixteen bytes";

cluster_setup with_secret(std::size_t nodes) {
  cluster_setup result;
  result.nodes = nodes;
  result.secret = secret;
  return result;
}

/// How long a stranger may stay connected without proving anything.
constexpr milliseconds strangers_leave_within{30'000};

/// A header of the actor framework's own protocol: operation and payload
/// length, the rest zero. 1 is client_handshake, which crashes a process that
/// listens with the framework's own acceptor.
std::string framework_header(unsigned char operation, std::uint32_t length) {
  std::string result(32, '\0');
  result[0] = static_cast<char>(operation);
  for (unsigned i = 0; i < 4; ++i)
    result[4 + i] = static_cast<char>(length >> (8 * (3 - i)));
  return result;
}

std::vector<std::string> garbage() {
  std::vector<std::string> result;
  for (unsigned char operation = 0; operation < 8; ++operation)
    result.push_back(framework_header(operation, 0));
  result.push_back(framework_header(1, 0xF0000000));
  result.push_back(framework_header(1, 16) + std::string(16, '\xff'));
  result.push_back(std::string(32, '\0'));
  result.push_back(std::string(1, '\0'));
  result.push_back(std::string(64 * 1024, '\0'));
  result.push_back(std::string(2 * 1024 * 1024, '\xff'));
  result.push_back("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  result.push_back(std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 9});
  std::mt19937_64 random{42};
  for (int i = 0; i < 50; ++i) {
    std::string bytes(1 + random() % 300, ' ');
    for (auto& byte : bytes)
      byte = static_cast<char>(random());
    result.push_back(bytes);
  }
  return result;
}

void check_replicates(cluster& nodes, const std::string& key) {
  REQUIRE(nodes[0].client().put(key, "1", 1).status == 200);
  auto client = nodes[1].client();
  CHECK(eventually(patience, [&] { return client.get(key).status == 200; }));
}

} // namespace

TEST_CASE("garbage on the cluster port ends its connection, and nothing else") {
  cluster nodes{with_secret(2)};
  auto files = nodes[0].program().open_files();
  for (const auto& bytes : garbage()) {
    CAPTURE(bytes.substr(0, 40));
    CAPTURE(bytes.size());
    auto line = connection::open(nodes[0].cluster());
    REQUIRE(line);
    line->send(bytes);
    line->finish_sending();
    CHECK(line->closed_by_peer(strangers_leave_within));
    REQUIRE(nodes[0].program().running());
  }
  CHECK(nodes[0].client().request("GET", "/_health").status == 200);
  CHECK(nodes[0].peers_up() == std::set<std::string>{"node2"});
  CHECK(nodes[0].count_events("peer_down") == 0);
  check_replicates(nodes, "after-garbage");
  CHECK(eventually(seconds{5}, [&] {
    return nodes[0].program().open_files() <= files + 2;
  }));
}

TEST_CASE("garbage without a secret set does no harm either") {
  cluster_setup setup;
  setup.nodes = 2;
  cluster nodes{setup};
  for (const auto& bytes : garbage()) {
    auto line = connection::open(nodes[0].cluster());
    REQUIRE(line);
    line->send(bytes);
    line->finish_sending();
    CHECK(line->closed_by_peer(strangers_leave_within));
    REQUIRE(nodes[0].program().running());
  }
  CHECK(nodes[0].count_events("peer_down") == 0);
  check_replicates(nodes, "after-garbage");
}

TEST_CASE("garbage that comes byte by byte, and silence, are ended in time") {
  cluster nodes{with_secret(2)};
  auto slow = connection::open(nodes[0].cluster());
  auto silent = connection::open(nodes[0].cluster());
  REQUIRE(slow);
  REQUIRE(silent);
  auto deadline = steady::now() + strangers_leave_within;
  bool ended = false;
  while (!ended && steady::now() < deadline)
    ended = !slow->send(std::string(1, '\0'))
            || slow->closed_by_peer(milliseconds{100});
  CHECK(ended);
  CHECK(silent->closed_by_peer(strangers_leave_within));
  check_replicates(nodes, "after-silence");
}

TEST_CASE("10,000 strangers' connections leave node and peers as they were") {
  auto files_max = raise_open_files();
  auto count = std::min(scaled(10'000, 500), files_max - 500);
  cluster nodes{with_secret(2)};
  REQUIRE(nodes[0].client().put("probe", "1", 1).status == 200);
  auto files = nodes[0].program().open_files();
  auto memory = nodes[0].program().resident_bytes();
  probe http{nodes[0].http()};

  // None of them says a word, and none of them goes.
  std::vector<connection> crowd;
  for (std::size_t i = 0; i < count; ++i)
    if (auto line = connection::begin(nodes[0].cluster()))
      crowd.push_back(std::move(*line));
  CHECK(crowd.size() == count);
  CHECK(eventually(patience, [&] { return http.asked() > 200; }));
  check_replicates(nodes, "among-strangers");
  // A peer gets through the crowd.
  nodes.grow();
  CAPTURE(nodes.describe());
  CHECK(nodes.connected(strangers_leave_within));

  // The node ends them all by itself: the strangers still hold their ends.
  CHECK(eventually(strangers_leave_within, [&] {
    return nodes[0].program().open_files() <= files + 20;
  }));
  crowd.clear();
  http.stop();
  std::printf("p99 of %zu probes among %zu strangers: %lld ms\n",
              http.took().count(), count,
              static_cast<long long>(http.took().percentile(0.99).count()));
  CHECK(http.failed() == 0);
  CHECK(http.took().percentile(0.99) < milliseconds{500});
  CHECK(nodes[0].program().resident_bytes() < memory + 64'000'000);
  CHECK(nodes[0].count_events("peer_down") == 0);
  check_replicates(nodes, "after-strangers");
}

TEST_CASE("strangers that come and go by the thousand leave nothing behind") {
  cluster nodes{with_secret(2)};
  auto come_and_go = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto line = connection::open(nodes[0].cluster());
      if (line && i % 2 == 0)
        line->send(framework_header(1, 0));
    }
  };
  // The first ones warm up what is kept for good.
  come_and_go(scaled(1'000));
  auto files = nodes[0].program().open_files();
  auto memory = nodes[0].program().resident_bytes();
  come_and_go(scaled(5'000));
  CHECK(eventually(strangers_leave_within, [&] {
    return nodes[0].program().open_files() <= files + 5;
  }));
  CHECK(nodes[0].program().resident_bytes() < memory + 16'000'000);
  CHECK(nodes[0].count_events("peer_down") == 0);
  check_replicates(nodes, "after-strangers");
}

TEST_CASE("a wrong secret is logged and refused on both sides") {
  node first{member_named("first", {}, secret)};
  first.start();
  node other{member_named("other", {first.cluster().str()},
                          "another secret of the same length...")};
  other.start();
  event_fields wrong{{"reason", "wrong_secret"}};
  bool logged = first.wait_event("peer_refused", wrong, patience)
                && other.wait_event("peer_refused", wrong, patience);
  CAPTURE(first.program().tail());
  CAPTURE(other.program().tail());
  CHECK(logged);
  REQUIRE(first.client().put("k1", "1", 1).status == 200);
  REQUIRE(other.client().put("k2", "1", 1).status == 200);
  // They try again and again, and nothing crosses.
  CHECK(eventually(seconds{20}, [&] {
    return other.count_events("peer_refused", wrong) >= 3;
  }));
  CHECK(first.client().get("k2").status == 404);
  CHECK(other.client().get("k1").status == 404);
  CHECK(first.peers_up().empty());
  CHECK(other.peers_up().empty());
}

TEST_CASE("a node without a secret is refused by one that has one") {
  node first{member_named("first", {}, secret)};
  first.start();
  node other{member_named("other", {first.cluster().str()})};
  other.start();
  REQUIRE(other.client().put("k", "1", 1).status == 200);
  CHECK(first.wait_event("peer_refused", {}, patience));
  CHECK(eventually(seconds{20},
                   [&] { return first.count_events("peer_refused") >= 3; }));
  CHECK(first.client().get("k").status == 404);
  CHECK(first.peers_up().empty());
  CHECK(other.peers_up().empty());
}

TEST_CASE("a peer with the right secret is taken though others had it "
          "wrong") {
  node first{member_named("first", {}, secret)};
  first.start();
  node wrong{member_named("wrong", {first.cluster().str()},
                          "another secret of the same length...")};
  wrong.start();
  REQUIRE(first.wait_event("peer_refused", {}, patience));
  node right{member_named("right", {first.cluster().str()}, secret)};
  right.start();
  CHECK(first.wait_event("peer_up", {{"peer", "right"}}, patience));
  REQUIRE(right.client().put("k", "1", 1).status == 200);
  auto client = first.client();
  CHECK(eventually(patience, [&] { return client.get("k").status == 200; }));
  CHECK(wrong.client().get("k").status == 404);
}

TEST_CASE("a handshake that was overheard opens no door") {
  proxy overheard;
  node first{member_named("first", {}, secret)};
  first.start();
  overheard.forward_to(first.cluster());
  node other{member_named("other", {overheard.address().str()}, secret)};
  other.start();
  REQUIRE(first.wait_event("peer_up", {{"peer", "other"}}, patience));
  auto bytes = overheard.captured();
  REQUIRE_FALSE(bytes.empty());
  REQUIRE(other.terminate());
  REQUIRE(eventually(patience, [&] { return first.peers_up().empty(); }));
  auto line_count = first.program().line_count();
  for (int i = 0; i < 5; ++i) {
    auto line = connection::open(first.cluster());
    REQUIRE(line);
    line->send(bytes);
    CHECK(line->closed_by_peer(strangers_leave_within));
  }
  CHECK_FALSE(first.wait_event("peer_up", {}, milliseconds{0}, line_count));
  CHECK(first.peers_up().empty());
  CHECK(first.client().request("GET", "/_health").status == 200);
}
