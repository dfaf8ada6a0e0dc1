#include "storage/sqlite_transactions.hpp"

#include "storage/sqlite_sql.hpp"

#include <utility>

namespace panal::sqlite {

result<std::unique_ptr<transactions>>
transactions::start(connection writer, connection checkpoints,
                    durability level) {
  std::unique_ptr<transactions> made{
      new transactions{std::move(writer), level}};
  auto prepared = made->db_.prepare({{&made->begin_, sql::begin},
                                     {&made->commit_, sql::commit},
                                     {&made->rollback_, sql::rollback},
                                     {&made->fence_, sql::fence}});
  if (!prepared)
    return prepared.error();
  auto started = checkpointer::start(std::move(checkpoints));
  if (!started)
    return started.error();
  made->checkpoints_ = std::move(*started);
  return made;
}

transactions::transactions(connection writer, durability level)
    : db_{std::move(writer)},
      level_{level},
      flushed_{level == durability::sync} {
  db_.report_log_frames(log_frames_);
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
