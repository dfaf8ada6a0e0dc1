// Nodes over a link that carries few bytes a second: a large value arrives, in
// about the time that its bytes take, and small ones do not wait for it.

#include "tests/nodes/proxy.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// Two nodes that reach each other through proxies alone.
struct slow_pair {
  explicit slow_pair(std::vector<std::string> more = {}) {
    for (std::size_t i = 0; i < 2; ++i) {
      auto setup = member_named(
          "node" + std::to_string(i + 1),
          i == 0 ? std::vector<std::string>{}
                 : std::vector<std::string>{links[0].address().str()});
      setup.more = more;
      setup.more.push_back("--cluster-advertise=" + links[i].address().str());
      nodes[i] = std::make_unique<node>(setup);
      nodes[i]->start();
      links[i].forward_to(nodes[i]->cluster());
    }
    REQUIRE(nodes[0]->wait_event("peer_up", {{"peer", "node2"}}, patience));
    REQUIRE(nodes[1]->wait_event("peer_up", {{"peer", "node1"}}, patience));
  }

  void limit(std::size_t bytes_per_second) {
    for (auto& link : links)
      link.limit(bytes_per_second);
  }
  std::size_t links_lost() const {
    return nodes[0]->count_events("peer_down")
           + nodes[1]->count_events("peer_down");
  }

  std::array<proxy, 2> links;
  std::array<std::unique_ptr<node>, 2> nodes;
};

std::string value_of(std::size_t bytes) {
  return '"' + std::string(bytes, 'x') + '"';
}

bool holds(const node& at, const std::string& key, milliseconds limit) {
  auto client = at.client();
  return eventually(limit, [&] { return client.get(key).status == 200; });
}

} // namespace

TEST_CASE("a megabyte arrives over 0.4 MB/s, small keys beside it") {
  slow_pair pair;
  pair.limit(400'000);
  auto writer = pair.nodes[0]->client();
  const auto began = steady::now();
  REQUIRE(writer.put("large", value_of(1'000'000), 1).status == 200);
  milliseconds longest{0};
  auto reader = pair.nodes[1]->client();
  int small = 0;
  while (reader.get("large").status != 200
         && steady::now() - began < patience) {
    const auto key = "small" + std::to_string(small++);
    const auto asked = steady::now();
    REQUIRE(writer.put(key, "1", 1).status == 200);
    REQUIRE(holds(*pair.nodes[1], key, patience));
    longest = std::max(longest, std::chrono::duration_cast<milliseconds>(
                                    steady::now() - asked));
  }
  const auto took =
      std::chrono::duration_cast<milliseconds>(steady::now() - began);
  REQUIRE(reader.get("large").status == 200);
  std::printf("1 MB after %lld ms, %d small keys meanwhile, each within %lld "
              "ms\n",
              static_cast<long long>(took.count()), small,
              static_cast<long long>(longest.count()));
  CHECK(small >= 2);
  CHECK(took < milliseconds{2'500 * 3 / 2 * slowness});
  CHECK(pair.links_lost() == 0);
}

TEST_CASE("8 MiB arrive over 1 MiB/s, and the link is never given up") {
  slow_pair pair{{"--max-value-bytes=16777216"}};
  pair.limit(1'048'576);
  auto writer = pair.nodes[0]->client();
  REQUIRE(writer.put("large", value_of(8 << 20), 1).status == 200);
  REQUIRE(writer.put("small", "1", 1).status == 200);
  CHECK(holds(*pair.nodes[1], "small", seconds{2 * slowness}));
  CHECK(holds(*pair.nodes[1], "large", seconds{12 * slowness}));
  CHECK(pair.links_lost() == 0);
}

TEST_CASE("a value that was cut off in its middle arrives over the next link") {
  slow_pair pair{{"--max-value-bytes=16777216"}};
  pair.limit(1'048'576);
  auto writer = pair.nodes[0]->client();
  REQUIRE(writer.put("large", value_of(2 << 20), 1).status == 200);
  const auto before = pair.links[0].passed() + pair.links[1].passed();
  REQUIRE(eventually(patience, [&] {
    return pair.links[0].passed() + pair.links[1].passed() > before + 1'000'000;
  }));
  REQUIRE(pair.nodes[1]->client().get("large").status == 404);
  for (auto& link : pair.links)
    link.cut();
  CHECK(holds(*pair.nodes[1], "large", patience));
  CHECK(pair.nodes[1]->client().get("large").value == value_of(2 << 20));
}
