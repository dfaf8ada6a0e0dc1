#include "storage/owed_notes.hpp"

#include "storage/memory_store.hpp"
#include "tests/support/faulty_store.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace std::chrono_literals;

namespace {

struct fixture {
  test::faulty_store disk{std::make_unique<memory_store>(7)};
  owed_notes owed;
  owed_notes::time_point now{1h};

  saved_notes settle() { return owed.settle(disk, now); }
  /// Settles once the disk is well and every pause is over.
  saved_notes settle_later() {
    disk.refuse_notes(errc::ok);
    now += 10s;
    return settle();
  }
};

member named(origin_id origin, std::string name) {
  return {origin, std::move(name), "host:1", 0};
}

} // namespace

TEST_CASE("what the disk takes is not owed any more") {
  fixture f;
  f.owed.owe(named(2, "b"));
  f.owed.owe(fact::line, 9);
  f.owed.owe(origin_id{2}, position{5}, run_record{3, 1, 0});
  CHECK(f.owed.count() == 3);
  const auto saved = f.settle();
  CHECK(saved.failure.code == errc::ok);
  CHECK(saved.members == std::vector{named(2, "b")});
  REQUIRE(saved.facts.size() == 1);
  CHECK(saved.facts.front() == std::pair{fact::line, std::uint64_t{9}});
  CHECK(f.owed.count() == 0);
  CHECK(f.disk.members()->size() == 1);
  CHECK((*f.disk.facts())[fact::line] == 9);
  CHECK((*f.disk.cursors())[2] == 5);
  CHECK((*f.disk.runs())[2].front().id == 3);
}

TEST_CASE("what the disk refuses stays owed until it is durable") {
  fixture f;
  f.disk.refuse_notes(errc::storage_full);
  f.owed.owe(named(2, "b"));
  const auto failed = f.settle();
  CHECK(failed.failure.code == errc::storage_full);
  CHECK(failed.members.empty());
  CHECK(f.owed.count() == 1);
  CHECK(f.disk.members()->empty());
  CHECK(f.settle_later().members.size() == 1);
  CHECK(f.disk.members()->size() == 1);
}

TEST_CASE("of two values of one thing the newer is saved, once") {
  fixture f;
  f.disk.refuse_notes(errc::storage_failed);
  f.owed.owe(fact::line, 1);
  f.owed.owe(named(2, "old"));
  f.settle();
  f.owed.owe(fact::line, 2);
  f.owed.owe(named(2, "new"));
  CHECK(f.owed.count() == 2);
  const auto saved = f.settle_later();
  CHECK(saved.facts.size() == 1);
  CHECK(saved.facts.front().second == 2);
  CHECK(saved.members == std::vector{named(2, "new")});
}

TEST_CASE("a disk that refuses is asked again after pauses that grow") {
  fixture f;
  f.disk.refuse_notes(errc::storage_full);
  f.owed.owe(fact::line, 1);
  f.settle();
  const auto asked = f.disk.notes_asked();
  f.settle();
  CHECK(f.disk.notes_asked() == asked);
  // 100, 200, 400, ... 2,000 ms: about 8 times in ten seconds.
  for (int i = 0; i < 1'000; ++i, f.now += 10ms)
    f.settle();
  CHECK(f.disk.notes_asked() - asked >= 6);
  CHECK(f.disk.notes_asked() - asked <= 9);
  f.owed.hurry(f.now);
  f.disk.refuse_notes(errc::ok);
  CHECK(f.settle().facts.size() == 1);
}

TEST_CASE("a peer's runs keep their order, and come before its cursor") {
  fixture f;
  f.disk.refuse_notes(errc::storage_full);
  f.owed.owe(run_record{11, 1, 0}, 2);
  f.owed.owe(origin_id{2}, position{4}, run_record{12, 2, 0});
  f.owed.owe(run_record{11, 1, 3}, 2);
  f.settle();
  CHECK(f.owed.count() == 1);
  f.settle_later();
  const auto runs = (*f.disk.runs())[2];
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].id == 12);
  CHECK(runs[1] == run_record{11, 1, 3});
  CHECK((*f.disk.cursors())[2] == 4);
}

TEST_CASE("nothing is saved before the node's own run") {
  fixture f;
  f.disk.refuse_notes(errc::storage_full);
  f.owed.owe_own_run({5, 1, 0});
  f.owed.owe(fact::line, 1);
  CHECK_FALSE(f.settle().run);
  CHECK(f.owed.owes_own_run());
  CHECK_FALSE(f.owed.settle_own_run(f.disk).has_value());
  f.disk.refuse_notes(errc::ok);
  // As before a commit: it is told with the next pass.
  CHECK(f.owed.settle_own_run(f.disk).has_value());
  CHECK_FALSE(f.owed.owes_own_run());
  CHECK((*f.disk.facts())[fact::line] == 0);
  CHECK(f.settle_later().run);
  CHECK_FALSE(f.settle_later().run);
  CHECK((*f.disk.runs())[own_change].back().id == 5);
}

TEST_CASE("who knows nobody folds before its run is saved") {
  fixture f;
  const std::vector<change> rows{{1, "k", "entry", own_change},
                                 {2, "k", "", own_change}};
  REQUIRE(f.disk.append(rows).has_value());
  f.owed.owe_own_run({5, 1, 0});
  SUBCASE("and knows nobody") {
    CHECK(f.settle().run);
    CHECK(f.disk.journal_rows() == 0);
  }
  SUBCASE("and not if it knows somebody") {
    REQUIRE(f.disk.save_member(named(2, "b")).has_value());
    CHECK(f.settle().run);
    CHECK(f.disk.journal_rows() == 2);
  }
}

TEST_CASE("that a node has rejoined waits for the reissues that are to go") {
  fixture f;
  const std::vector<reissue> again{{"k", "entry"}};
  REQUIRE(f.disk.rebirth(8, {}, again, {{fact::rejoining, 1}}).has_value());
  f.disk.refuse_notes(errc::storage_full);
  f.owed.owe_removal("k");
  f.owed.owe(fact::rejoining, 0);
  f.settle();
  CHECK(f.owed.count() == 2);
  CHECK((*f.disk.facts())[fact::rejoining] == 1);
  CHECK(f.settle_later().facts.size() == 1);
  CHECK(f.disk.reissues()->empty());
  CHECK((*f.disk.facts())[fact::rejoining] == 0);
}

TEST_CASE("more peers than can be owed lose the oldest cursor, no member") {
  fixture f;
  f.disk.refuse_notes(errc::storage_full);
  f.owed.owe(named(1, "a"));
  for (origin_id peer = 2; peer < 2 + owed_notes_max; ++peer)
    f.owed.owe(peer, position{1}, run_record{});
  CHECK(f.owed.count() == owed_notes_max);
  f.settle_later();
  CHECK(f.disk.members()->size() == 1);
  CHECK(f.disk.cursors()->size() == owed_notes_max - 1);
  CHECK_FALSE(f.disk.cursors()->contains(2));
}

TEST_CASE("before an identity is given up its members are saved") {
  fixture f;
  f.disk.refuse_notes(errc::storage_full);
  f.owed.owe(named(2, "b"));
  f.settle();
  CHECK(f.owed.settle_members(f.disk).error().code == errc::storage_full);
  f.disk.refuse_notes(errc::ok);
  CHECK(f.owed.settle_members(f.disk).has_value());
  CHECK(f.disk.members()->size() == 1);
}
