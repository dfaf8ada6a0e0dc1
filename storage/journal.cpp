#include "storage/journal.hpp"

#include "storage/mutant.hpp"

#include <algorithm>
#include <utility>

namespace panal {

journal::journal(const journal_config& config, std::unique_ptr<store> disk)
    : config_{config},
      disk_{std::move(disk)},
      void_epochs_(config.shards, 0),
      shard_marks_(config.shards, 0) {
  // nop
}

void journal::add(queued_batch batch) {
  if (batch.epoch <= void_epochs_.at(batch.batch->shard))
    return;
  queued_changes_ += batch.batch->changes.size();
  queued_bytes_ += batch.batch->bytes;
  queued_.push_back(std::move(batch));
}

void journal::add_mark(std::size_t shard, std::uint64_t epoch,
                       std::uint64_t hlc) {
  if (epoch <= void_epochs_.at(shard))
    return;
  shard_marks_.at(shard) = hlc;
  const auto least = *std::ranges::min_element(shard_marks_);
  if (least > reported_mark_)
    complete_mark_ = least;
}

bool journal::is_commit_due() const noexcept {
  return queued_changes_ >= config_.queued_changes_max
         || queued_bytes_ >= config_.queued_bytes_max;
}

commit_report journal::commit() {
  commit_report report;
  report.batches = std::exchange(queued_, {});
  std::vector<const change*> rows;
  rows.reserve(std::exchange(queued_changes_, 0));
  queued_bytes_ = 0;
  auto next = disk_->last_position();
  bool flush = false;
  for (auto& [batch, epoch] : report.batches) {
    flush = flush || batch->flush;
    for (auto& what : batch->changes) {
      what.at = ++next;
      rows.push_back(&what);
    }
  }
  auto done = PANAL_MUTANT(run_saved_after_commits)
                  ? result<void>{}
                  : owed_.settle_own_run(*disk_);
  if (done)
    done = disk_->append_all(rows, flush);
  report.marked_hlc = std::exchange(complete_mark_, 0);
  if (done) {
    recent_rows_ += rows.size();
    reported_mark_ = std::max(reported_mark_, report.marked_hlc);
    return report;
  }
  report.marked_hlc = 0;
  std::ranges::fill(shard_marks_, 0);
  report.code =
      PANAL_MUTANT(failed_commit_acknowledged) ? errc::ok : done.error().code;
  report.detail = done.error().detail;
  for (const auto& [batch, epoch] : report.batches) {
    auto& line = void_epochs_.at(batch->shard);
    line = std::max(line, epoch);
  }
  return report;
}

result<journal::fold_result> journal::fold() {
  const bool idle = std::exchange(recent_rows_, 0) <= config_.idle_rows_max;
  const auto rows = disk_->journal_rows();
  if (rows == 0)
    return fold_result::rests;
  if (!idle && rows <= config_.journal_rows_max)
    return fold_result::waits;
  const auto done =
      disk_->fold(idle ? config_.idle_fold_rows : config_.busy_fold_rows);
  if (!done)
    return done.error();
  if (disk_->journal_rows() == 0)
    return fold_result::rests;
  return idle ? fold_result::goes_on : fold_result::waits;
}

} // namespace panal
