#include "cluster/rejoin.hpp"

#include "storage/memory_store.hpp"
#include "storage/table.hpp"

#include <doctest/doctest.h>

using namespace panal;

namespace {

using enum verdict_on_peer;

constexpr cluster_identity first_born{1'000, 0xfff};
constexpr cluster_identity later_born{2'000, 0x111};

/// A node that has run twice: positions 1 to 5 in run 11, 6 to 9 in run 12.
standing settled_node() {
  return {{{11, 100, 0}, {12, 200, 5}}, 9, true, first_born, true};
}

/// A peer of its cluster that remembers these runs of it.
peer_memory peer_with(std::vector<run_record> runs, std::uint64_t seen = 0) {
  return {std::move(runs), seen, first_born, false, 0};
}

rejoin_plan plan_of(std::uint64_t seen_hlc, std::uint64_t unmet_hlc) {
  rejoin_plan plan;
  plan.seen_hlc = seen_hlc;
  plan.unmet_hlc = unmet_hlc;
  return plan;
}

entry put_at(std::uint64_t hlc, origin_id origin, std::int64_t version = 1) {
  return {{}, {{version, {hlc, origin}, never, false, "1"}}};
}

} // namespace

TEST_CASE("a node joins peers that know it as it is, or do not know it") {
  CHECK(judge(settled_node(), peer_with({})).what == joins);
  CHECK(judge(settled_node(), peer_with({{11, 100, 5}, {12, 200, 9}})).what
        == joins);
  // The peer has missed the last run, or the end of one.
  CHECK(judge(settled_node(), peer_with({{11, 100, 3}})).what == joins);
}

TEST_CASE("a directory that does not know a run or a position is an old one") {
  const auto restored =
      judge(settled_node(), peer_with({{11, 100, 5}, {99, 300, 4}}, 77));
  REQUIRE(restored.what == rejoins);
  CHECK(restored.plan.seen_hlc == 77);
  CHECK(restored.plan.unmet_hlc == 200); // its second run is known to nobody
  CHECK(restored.plan.forget_former);
  CHECK_FALSE(restored.plan.keeps_all);
  CHECK(restored.plan.identity == first_born);
  // The backup was made in the middle of a run that went on.
  const auto cut_short = judge(settled_node(), peer_with({{11, 100, 8}}, 77));
  REQUIRE(cut_short.what == rejoins);
  CHECK(cut_short.plan.unmet_hlc == 200);
}

TEST_CASE("the original of a copy goes by what was merged of its own run") {
  const auto judged =
      judge(settled_node(), peer_with({{12, 200, 7}, {99, 300, 4}}, 500));
  REQUIRE(judged.what == rejoins);
  CHECK(judged.plan.seen_position == 7);
  CHECK_FALSE(unseen(put_at(250, 5), 7, 5, judged.plan));
  CHECK(unseen(put_at(250, 5), 8, 5, judged.plan));
}

TEST_CASE("of two clusters the members of the later-born one give way") {
  auto younger = settled_node();
  younger.identity = later_born;
  auto peer = peer_with({});
  peer.ceiling = 700;
  const auto judged = judge(younger, peer);
  REQUIRE(judged.what == rejoins);
  CHECK(judged.plan.keeps_all);
  CHECK(judged.plan.identity == first_born);
  CHECK(judged.plan.restamp_upto == 700);
  // Never the other way, whatever the peer has drawn and remembers.
  peer.identity = later_born;
  peer.founder = true;
  peer.runs = {{99, 300, 4}};
  CHECK(judge(settled_node(), peer).what == waits);
}

TEST_CASE("of two clusters of one moment the one of the greater id gives way") {
  auto own = settled_node();
  auto peer = peer_with({});
  peer.identity = {first_born.born, first_born.id + 1};
  CHECK(judge(own, peer).what == waits);
  own.identity = {first_born.born, first_born.id + 2};
  CHECK(judge(own, peer).what == rejoins);
}

TEST_CASE("a node of no cluster joins one as it is only without data") {
  standing fresh{{{11, 100, 0}}, 3, true, {}, false};
  const auto judged = judge(fresh, peer_with({}));
  REQUIRE(judged.what == rejoins);
  CHECK(judged.plan.keeps_all);
  CHECK(judged.plan.restamp_upto > 0);
  // It was there when the cluster was born: no line was drawn without it. Who
  // came later cannot tell.
  auto founder = peer_with({{11, 100, 3}});
  CHECK(judge(fresh, founder).what == rejoins);
  founder.founder = true;
  CHECK(judge(fresh, founder).what == adopts);
  fresh.has_data = false;
  CHECK(judge(fresh, peer_with({})).what == adopts);
  // Its line may be above what the cluster holds.
  fresh.is_bound = true;
  CHECK(judge(fresh, peer_with({})).what == rejoins);
}

TEST_CASE("nodes of no cluster join each other, who belongs to one waits") {
  const standing fresh{{{11, 100, 0}}, 3, true, {}, false};
  auto other = peer_with({});
  other.identity = {};
  CHECK(judge(fresh, other).what == joins);
  CHECK(judge(settled_node(), other).what == waits);
}

TEST_CASE("only what the node itself has written unseen is issued anew") {
  const auto plan = plan_of(50, 90);
  CHECK_FALSE(unseen(put_at(50, 7), 1, 7, plan));
  CHECK(unseen(put_at(51, 7), 1, 7, plan));
  CHECK_FALSE(unseen(put_at(51, 8), 1, 7, plan)); // another's
  const auto forked = plan_of(1'000, 90);
  CHECK_FALSE(unseen(put_at(89, 7), 1, 7, forked));
  CHECK(unseen(put_at(90, 7), 1, 7, forked));
}

namespace {

std::vector<change> some_rows() {
  entry cleared;
  cleared.floor = {40, 7};
  return {{1, "mine", encode(put_at(60, 7)), own_change},
          {2, "seen", encode(put_at(45, 7)), own_change},
          {3, "theirs", encode(put_at(61, 8)), 8},
          {4, std::string{cleared_key}, encode(cleared), own_change},
          {5, "damaged", "no entry", own_change}};
}

const member old_self{7, "node", "host:1", 0};

} // namespace

TEST_CASE("a rejoin keeps unseen writes and clear-alls, and nothing else") {
  memory_store disk{7};
  REQUIRE(disk.append(some_rows()).has_value());
  auto plan = plan_of(50, ~std::uint64_t{0});
  plan.identity = first_born;
  REQUIRE(rejoin(disk, plan, 9, old_self).has_value());
  CHECK(disk.origin() == 9);
  CHECK(disk.last_position() == 1);
  const auto again = disk.reissues();
  REQUIRE(again->size() == 1);
  CHECK(again->front().key == "mine");
  const auto facts = *disk.facts();
  CHECK(facts.at(fact::rejoining) == 1);
  CHECK(facts.at(fact::cluster_born) == first_born.born);
  CHECK(facts.at(fact::cluster_id) == first_born.id);
  CHECK(facts.at(fact::restamp_upto) == 0);
  REQUIRE(disk.members()->size() == 1);
  CHECK(disk.members()->front().forgotten == 50);
}

TEST_CASE(
    "who joins another cluster keeps all that it holds, whoever wrote it") {
  memory_store disk{7};
  REQUIRE(disk.append(some_rows()).has_value());
  rejoin_plan plan;
  plan.keeps_all = true;
  plan.restamp_upto = 30;
  plan.identity = first_born;
  REQUIRE(rejoin(disk, plan, 9, old_self).has_value());
  const auto again = disk.reissues();
  REQUIRE(again->size() == 3);
  CHECK(again->at(0).key == "mine");
  CHECK(again->at(1).key == "seen");
  CHECK(again->at(2).key == "theirs");
  CHECK(disk.facts()->at(fact::restamp_upto) == 30);
}

TEST_CASE("a rejoin goes by each key's newest row") {
  memory_store disk{7};
  const std::vector<change> rows{
      {1, "gone", encode(put_at(60, 7)), own_change},
      {2, "changed", encode(put_at(61, 7)), own_change},
      {3, "taken", encode(put_at(62, 7)), own_change},
      {4, "gone", {}, local_change},
      {5, "changed", encode(put_at(63, 7, 2)), own_change},
      {6, "taken", encode(put_at(64, 8, 3)), 8}};
  REQUIRE(disk.append(rows).has_value());
  for (const std::size_t folded : {0U, 2U, 4U}) {
    CAPTURE(folded);
    auto some = disk;
    REQUIRE(some.fold(folded).has_value());
    REQUIRE(
        rejoin(some, plan_of(50, ~std::uint64_t{0}), 9, old_self).has_value());
    CHECK(*some.reissues()
          == std::vector<reissue>{{"changed", encode(put_at(63, 7, 2))}});
  }
}

TEST_CASE("what waits of an earlier rejoin is joined with what is there now") {
  memory_store disk{7};
  const std::vector<reissue> waiting{{"k", encode(put_at(60, 5, 9))},
                                     {"other", encode(put_at(61, 5))}};
  REQUIRE(disk.rebirth(7, {}, waiting, {}).has_value());
  REQUIRE(
      disk.append(std::vector<change>{{1, "k", encode(put_at(70, 8, 3)), 8}})
          .has_value());
  rejoin_plan plan;
  plan.keeps_all = true;
  REQUIRE(rejoin(disk, plan, 9, old_self).has_value());
  const auto again = *disk.reissues();
  REQUIRE(again.size() == 2);
  CHECK(*decode(again[0].entry) == merge(put_at(60, 5, 9), put_at(70, 8, 3)));
}
