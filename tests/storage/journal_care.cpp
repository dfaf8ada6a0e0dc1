#include "storage/journal_care.hpp"

#include "storage/memory_store.hpp"
#include "tests/support/faulty_store.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace panal;
using namespace std::chrono_literals;

namespace {

struct fixture {
  std::unique_ptr<test::faulty_store> made =
      std::make_unique<test::faulty_store>(std::make_unique<memory_store>(7));
  test::faulty_store& disk = *made;
  journal log{{}, std::move(made)};
  node_conditions node;
  journal_care care{log, node};
  journal_care::time_point now{1h};
  std::uint64_t epoch = 0;

  errc write() {
    auto batch = std::make_shared<change_batch>();
    batch->changes.push_back({0, "k", "entry", own_change});
    log.add({batch, ++epoch});
    return care.commit(now).code;
  }
  bool is_stated(condition what) const { return node.count(what) > 0; }
  std::size_t troubles(std::string_view event) {
    const auto all = care.take_troubles();
    return static_cast<std::size_t>(
        std::ranges::count(all, event, &trouble::event));
  }
};

} // namespace

TEST_CASE("a full disk is stated until it takes a write again") {
  fixture f;
  f.disk.fail_append(1, errc::storage_full);
  CHECK(f.write() == errc::storage_full);
  CHECK(f.is_stated(condition::disk_full));
  CHECK(f.troubles("commit_failed") == 1);
  CHECK(f.write() == errc::ok);
  CHECK_FALSE(f.node.any());
  CHECK(f.troubles("disk_takes_writes") == 1);
}

TEST_CASE("a disk that has recovered is noticed without anybody's write") {
  fixture f;
  f.disk.fail_append(1, errc::storage_failed);
  f.disk.refuse_notes(errc::storage_full);
  CHECK(f.write() == errc::storage_failed);
  CHECK(f.is_stated(condition::disk_failing));
  f.now += 10s;
  f.care.tick(f.now);
  CHECK_FALSE(f.is_stated(condition::disk_failing));
  CHECK(f.is_stated(condition::disk_full));
  f.disk.refuse_notes(errc::ok);
  f.now += 10s;
  f.care.tick(f.now);
  CHECK_FALSE(f.node.any());
}

TEST_CASE("a disk that refuses is not asked at every look") {
  fixture f;
  f.disk.fail_append(1, errc::storage_full);
  f.disk.refuse_notes(errc::storage_full);
  f.write();
  const auto asked = f.disk.notes_asked();
  for (int i = 0; i < 40; ++i, f.now += 250ms)
    f.care.tick(f.now);
  CHECK(f.disk.notes_asked() - asked >= 4);
  CHECK(f.disk.notes_asked() - asked <= 10);
}

TEST_CASE("folding that fails is told, counted as wrong, and tried again") {
  fixture f;
  f.write();
  f.disk.refuse_notes(errc::storage_failed);
  CHECK(f.care.fold(f.now) == journal::fold_result::waits);
  CHECK(f.care.fold_pause() > 0ms);
  CHECK(f.is_stated(condition::fold_failing));
  CHECK(f.troubles("fold_failed") == 1);
  const auto asked = f.disk.notes_asked();
  CHECK(f.care.fold(f.now) == journal::fold_result::waits);
  CHECK(f.disk.notes_asked() == asked);
  const auto first_pause = f.care.fold_pause();
  f.now += first_pause;
  f.care.fold(f.now);
  CHECK(f.care.fold_pause() > first_pause);
  f.disk.refuse_notes(errc::ok);
  f.now += 10s;
  f.care.fold(f.now);
  CHECK(f.log.disk().journal_rows() == 0);
  CHECK_FALSE(f.node.any());
  CHECK(f.care.fold_pause() == 0ms);
}

TEST_CASE("reads for peers that fail are told, and counted by peer") {
  fixture f;
  f.write();
  f.disk.refuse_reads(errc::corrupt);
  CHECK_FALSE(f.care.read_after(2, 0, {}).has_value());
  CHECK_FALSE(f.care.read_after(3, 0, {}).has_value());
  CHECK_FALSE(f.care.read_after(3, 0, {}).has_value());
  CHECK(f.node.count(condition::backlog_unreadable) == 2);
  CHECK(f.troubles("backlog_read_failed") == 3);
  f.disk.refuse_reads(errc::ok);
  CHECK(f.care.read_after(2, 0, {})->size() == 1);
  CHECK(f.node.count(condition::backlog_unreadable) == 1);
  CHECK(f.care.read_after(3, 0, {}).has_value());
  CHECK_FALSE(f.node.any());
}

TEST_CASE("who does not read any more is not counted for ever") {
  fixture f;
  f.disk.refuse_reads(errc::corrupt);
  const journal_care::time_point start{1h};
  f.care.tick(start);
  CHECK_FALSE(f.care.read_after(2, 0, {}).has_value());
  f.care.tick(start + 15s);
  CHECK(f.node.count(condition::backlog_unreadable) == 1);
  f.care.tick(start + 30s);
  CHECK(f.node.count(condition::backlog_unreadable) == 0);
}

TEST_CASE("what is owed is counted, and saved once the disk takes a write") {
  fixture f;
  f.disk.refuse_notes(errc::storage_full);
  f.disk.fail_append(1, errc::storage_full);
  f.write();
  f.log.owed().owe(fact::line, 1);
  f.log.owed().owe(member{2, "b", "host:1", 0});
  CHECK(f.care.settle(f.now).facts.empty());
  CHECK(f.node.count(condition::notes_owed) == 2);
  CHECK(f.troubles("save_failed") == 1);
  f.disk.refuse_notes(errc::ok);
  CHECK(f.write() == errc::ok); // hurries them
  CHECK(f.care.tick(f.now).facts.size() == 1);
  CHECK_FALSE(f.node.any());
}

TEST_CASE("nothing is committed before the node's own run is saved") {
  fixture f;
  f.log.owed().owe_own_run({5, 1, 0});
  f.disk.refuse_notes(errc::storage_full);
  CHECK(f.write() == errc::storage_full);
  CHECK(f.disk.appends() == 0);
  CHECK(f.is_stated(condition::disk_full));
  f.disk.refuse_notes(errc::ok);
  CHECK(f.write() == errc::ok);
  CHECK((*f.disk.runs())[own_change].back().id == 5);
  CHECK(f.care.tick(f.now).run);
}

TEST_CASE("troubles that nobody takes do not heap up") {
  fixture f;
  f.disk.refuse_reads(errc::corrupt);
  f.write();
  for (int i = 0; i < 100; ++i)
    CHECK_FALSE(f.care.read_after(2, 0, {}).has_value());
  CHECK(f.care.take_troubles().size() == journal_care::troubles_max);
}
