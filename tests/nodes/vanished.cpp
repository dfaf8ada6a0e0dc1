// A peer whose machine vanishes: no connection is closed, what is sent just
// never arrives. It is noticed all the same, and once it is back both agree.
// Needs the right to make network namespaces, and says so where it is missing.

#include "tests/nodes/load.hpp"
#include "tests/nodes/namespaces.hpp"
#include "tests/support/node.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

using namespace panal::test;
using std::chrono::seconds;

namespace {

constexpr milliseconds noticed_within{3'000 + 1'500};

/// A node on its own machine, as far as the network goes.
struct machine {
  const net_namespace& place;
  node here;

  machine(const net_namespace& inside, const std::string& id,
          const std::string& host, std::vector<std::string> join)
      : place{inside}, here{setup(inside, id, host, std::move(join))} {
    here.start();
  }

  static node_setup setup(const net_namespace& inside, const std::string& id,
                          const std::string& host,
                          std::vector<std::string> join) {
    auto result = member_named(id, std::move(join),
                               "a secret of more than sixteen bytes");
    result.host = "127.0.0.1";
    result.cluster_host = host;
    result.net_namespace = inside.descriptor();
    return result;
  }

  reply put(const std::string& key, std::int64_t version) const {
    reply result;
    place.run([&] { result = here.client().put(key, "1", version); });
    return result;
  }
  reply get(const std::string& key) const {
    reply result;
    place.run([&] { result = here.client().get(key); });
    return result;
  }
  bool comes_to_hold(const std::string& key, milliseconds limit) const {
    return eventually(limit, [&] { return get(key).status == 200; });
  }
};

} // namespace

TEST_CASE("a peer whose machine vanishes is noticed, and welcome back") {
  auto pair = cabled_pair::make();
  if (!pair)
    return skip("right to make network namespaces");
  machine left{pair->left(), "left", cabled_pair::left_host(), {}};
  machine right{pair->right(),
                "right",
                cabled_pair::right_host(),
                {left.here.cluster().str()}};
  event_fields to_left{{"peer", "left"}};
  event_fields to_right{{"peer", "right"}};
  REQUIRE(left.here.wait_event("peer_up", to_right, patience));
  REQUIRE(right.here.wait_event("peer_up", to_left, patience));
  REQUIRE(left.put("before", 1).status == 200);
  REQUIRE(right.comes_to_hold("before", patience));

  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    auto left_line = left.here.program().line_count();
    auto right_line = right.here.program().line_count();
    auto pulled = steady::now();
    REQUIRE(pair->plug(false));
    latencies took;
    for (int i = 0; i < 100; ++i) {
      auto began = steady::now();
      CHECK(left.put(text("left-", round, "-", i), 1).status == 200);
      took.add(steady::now() - began);
      CHECK(right.put(text("right-", round, "-", i), 1).status == 200);
    }
    CHECK(took.percentile(0.99) < milliseconds{500});
    CHECK(
        left.here.wait_event("peer_down", to_right, noticed_within, left_line));
    CHECK(right.here.wait_event("peer_down", to_left, noticed_within,
                                right_line));
    auto noticed = steady::now() - pulled;
    CHECK(noticed < noticed_within);
    std::printf("noticed after %lld ms\n",
                static_cast<long long>(
                    std::chrono::duration_cast<milliseconds>(noticed).count()));
    CHECK(right.get(text("left-", round, "-99")).status == 404);

    left_line = left.here.program().line_count();
    REQUIRE(pair->plug(true));
    CHECK(left.here.wait_event("peer_up", to_right, seconds{20}, left_line));
    for (int i = 0; i < 100; ++i) {
      CHECK(right.comes_to_hold(text("left-", round, "-", i), patience));
      CHECK(left.comes_to_hold(text("right-", round, "-", i), patience));
    }
  }
}

TEST_CASE("a node that starts while its seed's machine is away joins later") {
  auto pair = cabled_pair::make();
  if (!pair)
    return skip("right to make network namespaces");
  machine left{pair->left(), "left", cabled_pair::left_host(), {}};
  REQUIRE(pair->plug(false));
  machine right{pair->right(),
                "right",
                cabled_pair::right_host(),
                {left.here.cluster().str()}};
  REQUIRE(right.put("k", 1).status == 200);
  REQUIRE(pair->plug(true));
  CHECK(left.comes_to_hold("k", seconds{20}));
}
