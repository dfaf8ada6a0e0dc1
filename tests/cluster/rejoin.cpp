#include "cluster/rejoin.hpp"

#include "storage/memory_store.hpp"
#include "storage/table.hpp"

#include <doctest/doctest.h>

using namespace panal;

namespace {

/// A node that has run twice: positions 1 to 5 in run 11, 6 to 9 in run 12.
standing settled_node() {
  return {{{11, 100, 0}, {12, 200, 5}}, 9, true, true};
}

entry put_at(std::uint64_t hlc, origin_id origin, std::int64_t version = 1) {
  return {{}, {{version, {hlc, origin}, never, false, "1"}}};
}

} // namespace

TEST_CASE("a node joins peers that know it as it is, or do not know it") {
  CHECK_FALSE(judge(settled_node(), {{}, true, 0}));
  CHECK_FALSE(judge(settled_node(), {{{11, 100, 5}, {12, 200, 9}}, true, 0}));
  // The peer has missed the last run, or the end of one.
  CHECK_FALSE(judge(settled_node(), {{{11, 100, 3}}, true, 0}));
}

TEST_CASE("a directory that does not know a run or a position is an old one") {
  const auto restored =
      judge(settled_node(), {{{11, 100, 5}, {99, 300, 4}}, true, 77});
  REQUIRE(restored);
  CHECK(restored->seen_hlc == 77);
  CHECK(restored->unmet_hlc == 200); // its second run is known to nobody
  CHECK(restored->forget_former);
  // The backup was made in the middle of a run that went on.
  const auto cut_short = judge(settled_node(), {{{11, 100, 8}}, true, 77});
  REQUIRE(cut_short);
  CHECK(cut_short->unmet_hlc == 200);
}

TEST_CASE("the original of a copy goes by what was merged of its own run") {
  const auto plan =
      judge(settled_node(), {{{12, 200, 7}, {99, 300, 4}}, true, 500});
  REQUIRE(plan);
  CHECK(plan->seen_position == 7);
  CHECK_FALSE(unseen(put_at(250, 5), 7, 5, *plan));
  CHECK(unseen(put_at(250, 5), 8, 5, *plan));
}

TEST_CASE("a newcomer with data rejoins a cluster that has begun its line") {
  standing fresh{{{11, 100, 0}}, 3, false, true};
  CHECK_FALSE(judge(fresh, {{}, false, 0}));
  CHECK(judge(fresh, {{}, true, 0}));
  fresh.has_data = false;
  CHECK_FALSE(judge(fresh, {{}, true, 0}));
}

TEST_CASE("only what the node itself has written unseen is issued anew") {
  const rejoin_plan plan{"", 50, 90, 0, true};
  CHECK_FALSE(unseen(put_at(50, 7), 1, 7, plan));
  CHECK(unseen(put_at(51, 7), 1, 7, plan));
  CHECK_FALSE(unseen(put_at(51, 8), 1, 7, plan)); // another's
  const rejoin_plan forked{"", 1'000, 90, 0, true};
  CHECK_FALSE(unseen(put_at(89, 7), 1, 7, forked));
  CHECK(unseen(put_at(90, 7), 1, 7, forked));
}

TEST_CASE("a rejoin keeps unseen writes and clear-alls, and nothing else") {
  memory_store disk{7};
  entry cleared;
  cleared.floor = {40, 7};
  const std::vector<change> rows{
      {1, "mine", encode(put_at(60, 7)), own_change},
      {2, "seen", encode(put_at(45, 7)), own_change},
      {3, "theirs", encode(put_at(61, 8)), 8},
      {4, std::string{cleared_key}, encode(cleared), own_change},
      {5, "damaged", "no entry", own_change}};
  REQUIRE(disk.append(rows).has_value());
  const auto done = rejoin(disk, {"", 50, ~std::uint64_t{0}, 0, true}, 9,
                           {7, "node", "host:1", 0});
  REQUIRE(done.has_value());
  CHECK(disk.origin() == 9);
  CHECK(disk.last_position() == 1);
  const auto again = disk.reissues();
  REQUIRE(again->size() == 1);
  CHECK(again->front().key == "mine");
  CHECK(disk.facts()->at(fact::rejoining) == 1);
  REQUIRE(disk.members()->size() == 1);
  CHECK(disk.members()->front().forgotten == 50);
}
