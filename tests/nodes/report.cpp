// The cluster's page of real nodes: what it says is compared with what was
// done to them.

#include "tests/nodes/load.hpp"
#include "tests/nodes/page.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// Whether all nodes say this number, within a while.
bool all_say(const cluster& nodes, const char* name, std::int64_t value) {
  return eventually(seconds{20}, [&] {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (page{nodes[i]}.number(name) != value)
        return false;
    return true;
  });
}

} // namespace

TEST_CASE("the page says what a node holds and who its peers are") {
  cluster nodes;
  REQUIRE(put_many({nodes[0].http()}, "k", 50, 1) == 0);
  REQUIRE(remove_many({nodes[0].http()}, "k", 7) == 0);
  CHECK(all_say(nodes, "keys", 43));
  // Records of deletes go once all have heard of them.
  CHECK(all_say(nodes, "tombstones", 0));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const page said{nodes[i]};
    CHECK(said.text("node") == nodes[i].id());
    CHECK(said.text("status") == "ok");
    CHECK(said.number("last") >= 57);
    CHECK(said.members() == nodes.size());
    CHECK_FALSE(said.is_null("line"));
    CHECK(said.is_null("cleared"));
    CHECK(said.text("digest_root") == page{nodes[0]}.text("digest_root"));
    for (std::size_t j = 0; j < nodes.size(); ++j) {
      const page peer{nodes[j]};
      const auto who = said.of(nodes[j].id());
      CHECK(who.text("origin") == peer.text("origin"));
      CHECK(who.text("address") == nodes[j].cluster().str());
      CHECK(who.text("state") == (i == j ? "self" : "linked"));
      if (i != j)
        CHECK(std::abs(who.number("clock_offset_ms")) < 1'000);
    }
  }
}

TEST_CASE("the page says that a peer has taken over everything") {
  cluster nodes{{2, topology::star, {}, {}}};
  REQUIRE(put_many({nodes[0].http()}, "k", 200, 1) == 0);
  const auto is_whole = [](const node& at, const node& peer) {
    const page said{at};
    const auto who = said.of(peer.id());
    return who.number("lag_changes") == 0 && who.number("lag_ms") == 0
           && who.number("acknowledged") == said.number("last")
           && who.number("merged") == page{peer}.number("last");
  };
  CHECK(eventually(seconds{10}, [&] { return is_whole(nodes[0], nodes[1]); }));
  CHECK(eventually(seconds{10}, [&] { return is_whole(nodes[1], nodes[0]); }));
}

TEST_CASE("while a member is away the page says by how much it lags, and what "
          "waits for it") {
  cluster nodes;
  REQUIRE(put_many({nodes[0].http()}, "k", 30, 1) == 0);
  REQUIRE(all_say(nodes, "keys", 30));
  nodes[2].stop();
  REQUIRE(eventually(patience, [&] {
    return page{nodes[0]}.of("node3").text("state") == "unreachable";
  }));
  const auto before = page{nodes[0]}.of("node3").number("lag_changes");
  REQUIRE(put_many({nodes[0].http()}, "late", 10, 1) == 0);
  REQUIRE(remove_many({nodes[0].http()}, "k", 20) == 0);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(eventually(seconds{10}, [&] {
      const page said{nodes[i]};
      return said.number("keys") == 20 && said.number("tombstones") == 20
             && said.text("line_blocked_by") == "node3";
    }));
    const page said{nodes[i]};
    CAPTURE(said.number("keys"));
    CAPTURE(said.number("tombstones"));
    CHECK_FALSE(said.text("line_blocked_why").empty());
    CHECK(said.of("node3").number("lag_changes") >= before + 30);
    CHECK(said.of(nodes[1 - i].id()).text("state") == "linked");
  }
  CHECK(eventually(seconds{5}, [&] {
    return page{nodes[0]}.of("node3").number("lag_ms") > 0;
  }));
  nodes[2].cont();
  CHECK(all_say(nodes, "tombstones", 0));
  CHECK(all_say(nodes, "keys", 20));
}

TEST_CASE("the page of every node shows a clear-all") {
  cluster nodes;
  REQUIRE(put_many({nodes[0].http()}, "k", 50, 1) == 0);
  REQUIRE(all_say(nodes, "keys", 50));
  REQUIRE(nodes[1].client().request("DELETE", "/cache").status == 200);
  CHECK(all_say(nodes, "keys", 0));
  const auto cleared = page{nodes[1]}.text("cleared");
  CHECK(cleared.ends_with(page{nodes[1]}.text("origin")));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CHECK(page{nodes[i]}.text("cleared") == cleared);
    CHECK_FALSE(page{nodes[i]}.is_null("cleared_at"));
  }
}

TEST_CASE("the page still knows after a restart") {
  cluster nodes{{2, topology::star, {}, {}}};
  REQUIRE(put_many({nodes[0].http()}, "old", 5, 1) == 0);
  REQUIRE(nodes[0].client().request("DELETE", "/cache").status == 200);
  REQUIRE(put_many({nodes[0].http()}, "k", 12, 1) == 0);
  REQUIRE(all_say(nodes, "keys", 12));
  const auto cleared = page{nodes[0]}.text("cleared");
  nodes[0].restart();
  CHECK(all_say(nodes, "keys", 12));
  CHECK(page{nodes[0]}.text("cleared") == cleared);
}
