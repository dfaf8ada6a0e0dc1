#include "storage/journal.hpp"

#include "storage/memory_store.hpp"
#include "tests/support/faulty_store.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace panal;

namespace {

change_batch_ptr batch_of(std::size_t shard, std::vector<std::string> keys) {
  auto batch = std::make_shared<change_batch>();
  batch->shard = shard;
  for (auto& key : keys) {
    batch->changes.push_back({0, std::move(key), "entry", own_change});
    batch->bytes += 8;
  }
  return batch;
}

} // namespace

TEST_CASE("what has queued up is committed at once, in the order it came") {
  journal log{{.shards = 2}, std::make_unique<memory_store>(7)};
  const auto a = batch_of(0, {"a", "b"});
  const auto b = batch_of(1, {"c"});
  log.add({a, 1});
  log.add({b, 1});
  CHECK(log.has_queued());
  const auto report = log.commit();
  CHECK(report.code == errc::ok);
  CHECK(report.batches.size() == 2);
  CHECK(a->changes[0].at == 1);
  CHECK(a->changes[1].at == 2);
  CHECK(b->changes[0].at == 3);
  CHECK(log.disk().last_position() == 3);
  CHECK_FALSE(log.has_queued());
}

TEST_CASE("a commit is due when the queue has reached a bound") {
  journal log{{.queued_changes_max = 2}, std::make_unique<memory_store>(7)};
  log.add({batch_of(0, {"a"}), 1});
  CHECK_FALSE(log.is_commit_due());
  log.add({batch_of(0, {"b"}), 1});
  CHECK(log.is_commit_due());
  journal bytes{{.queued_bytes_max = 10}, std::make_unique<memory_store>(7)};
  bytes.add({batch_of(0, {"a", "b"}), 1});
  CHECK(bytes.is_commit_due());
}

TEST_CASE("after a failed commit the shards' older batches are void") {
  auto disk =
      std::make_unique<test::faulty_store>(std::make_unique<memory_store>(7));
  disk->fail_append(1, errc::storage_full);
  journal log{{.shards = 2}, std::move(disk)};
  log.add({batch_of(0, {"a"}), 1});
  const auto failed = log.commit();
  CHECK(failed.code == errc::storage_full);
  CHECK(failed.batches.size() == 1);
  CHECK(log.disk().last_position() == 0);

  log.add({batch_of(0, {"built on the lost one"}), 1});
  CHECK_FALSE(log.has_queued());
  log.add({batch_of(1, {"another shard"}), 1});
  log.add({batch_of(0, {"a new start"}), 2});
  const auto report = log.commit();
  CHECK(report.code == errc::ok);
  CHECK(report.batches.size() == 2);
  CHECK(log.disk().last_position() == 2);
}

TEST_CASE("folding waits until appends are few, or the journal is too long") {
  journal log{{.idle_rows_max = 3,
               .idle_fold_rows = 2,
               .journal_rows_max = 4,
               .busy_fold_rows = 3},
              std::make_unique<memory_store>(7)};
  using found = journal::fold_result;
  CHECK(*log.fold() == found::rests);
  log.add({batch_of(0, {"a", "b", "c", "d"}), 1});
  log.commit();
  CHECK(*log.fold() == found::waits);
  CHECK(log.disk().journal_rows() == 4);
  CHECK(*log.fold() == found::goes_on); // nothing has come meanwhile
  CHECK(log.disk().journal_rows() == 2);
  log.add({batch_of(0, {"e", "f", "g", "h"}), 1});
  log.commit();
  CHECK(*log.fold() == found::waits);
  CHECK(log.disk().journal_rows() == 3); // busy, but too long
  CHECK(*log.fold() == found::goes_on);
  CHECK(*log.fold() == found::rests);
  CHECK(log.disk().journal_rows() == 0);
}
