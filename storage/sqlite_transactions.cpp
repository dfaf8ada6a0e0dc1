#include "storage/sqlite_transactions.hpp"

#include "storage/sqlite_sql.hpp"

#include <utility>

namespace panal::sqlite {

result<std::unique_ptr<transactions>>
transactions::start(connection writer, connection checkpoints, reserve spare,
                    file_watch files, durability level) {
  const auto bounds = spare.log_bounds();
  std::unique_ptr<transactions> made{new transactions{
      std::move(writer), std::move(spare), std::move(files), level}};
  auto prepared = made->db_.prepare({{&made->begin_, sql::begin},
                                     {&made->commit_, sql::commit},
                                     {&made->rollback_, sql::rollback},
                                     {&made->fence_, sql::fence}});
  if (!prepared)
    return prepared.error();
  auto started = checkpointer::start(std::move(checkpoints), bounds);
  if (!started)
    return started.error();
  made->checkpoints_ = std::move(*started);
  return made;
}

transactions::transactions(connection writer, reserve spare, file_watch files,
                           durability level)
    : db_{std::move(writer)},
      level_{level},
      flushed_{level == durability::sync},
      spare_{std::move(spare)},
      lacks_spare_{!spare_.make()},
      files_{std::move(files)} {
  db_.report_log_frames(log_frames_);
}

result<void> transactions::admit() {
  if (gone_)
    return error{errc::storage_gone, *gone_ + " was removed or replaced"};
  if (checkpoints_->stuck().code == errc::ok)
    return {};
  relieve(checkpoints_->stuck().code);
  const auto& stuck = checkpoints_->stuck();
  if (stuck.code == errc::ok)
    return {};
  return error{stuck.code,
               "the write-ahead log is at its bound: " + stuck.detail};
}

// The log's own blocks are free afterwards, and they are more than what the
// database file took: so there is room for the reserve, unless somebody else
// was quicker.
void transactions::relieve(errc why) {
  if (!std::exchange(may_relieve_, false))
    return;
  if (why == errc::storage_full)
    spare_.give_up();
  if (checkpoints_->empty(db_))
    log_frames_ = 0;
  lacks_spare_ = !spare_.make();
}

disk_state transactions::look_after() {
  disk_state found;
  may_relieve_ = true;
  gone_ = files_.changed();
  if (gone_)
    found.detail = *gone_ + " was removed or replaced";
  else
    lacks_spare_ = !spare_.make_if_roomy();
  found.is_gone = gone_.has_value();
  found.keeps_reserve = spare_.bytes() > 0;
  found.lacks_reserve = lacks_spare_;
  found.reserve_bytes = lacks_spare_ ? 0 : spare_.bytes();
  return found;
}

result<void> transactions::probe() {
  return run("probe", [this] { return fence_.run(); });
}

result<void> transactions::end(std::string_view doing, int code) {
  if (code == SQLITE_OK)
    code = commit_.run();
  if (code == SQLITE_OK) {
    checkpoints_->after_commit(db_, log_frames_);
    return {};
  }
  auto why = db_.failure(doing);
  roll_back(db_.flush_failed());
  if (why.code == errc::storage_full)
    relieve(why.code);
  return why;
}

void transactions::roll_back(bool flush_failed) {
  // SQLite has rolled back by itself after the graver errors.
  if (db_.in_transaction())
    rollback_.run();
  // A commit whose flush failed is complete in the log, and the next opening
  // would find it there. Any later commit takes its place in the log.
  if (flush_failed)
    fence_.run();
}

result<void> transactions::flush_commits(bool flushed) {
  if (flushed == flushed_)
    return {};
  auto done = db_.execute(flushed ? sql::sync_commits : sql::sync_checkpoints);
  if (done)
    flushed_ = flushed;
  return done;
}

} // namespace panal::sqlite
