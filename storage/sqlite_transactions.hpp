#pragma once

// The transactions of the SQLite store: what is between a BEGIN and its
// COMMIT happens as a whole or not at all, no transaction is left open, and a
// commit is flushed if its caller or the store's level wants that.

#include "config/options.hpp"
#include "storage/sqlite_checkpointer.hpp"
#include "storage/sqlite_handle.hpp"
#include "storage/sqlite_reserve.hpp"
#include "storage/sqlite_watch.hpp"
#include "storage/store.hpp"

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace panal::sqlite {

/// Used by one thread.
class transactions {
public:
  /// @param writer  the connection that writes, set up for `level`.
  /// @param checkpoints  another one to the same file.
  /// @param spare, files  of the data directory.
  static result<std::unique_ptr<transactions>>
  start(connection writer, connection checkpoints, reserve spare,
        file_watch files, durability level);
  transactions(const transactions&) = delete;
  transactions& operator=(const transactions&) = delete;

  const connection& db() const noexcept { return db_; }

  /// Runs `steps` (which answer SQLite's code) as one transaction: all of
  /// them are durable afterwards, or none has happened.
  /// @param doing  what a failure is said to have happened in.
  /// @param flush  durable against a power cut too, whatever the level.
  result<void> run(std::string_view doing, std::invocable<> auto const& steps,
                   bool flush = false) {
    if (auto allowed = admit(); !allowed)
      return allowed;
    if (auto set = flush_commits(flush || level_ == durability::sync); !set)
      return set;
    auto code = begin_.run();
    if (code == SQLITE_OK)
      code = steps();
    return end(doing, code);
  }

  /// Looks whether the files are still there, and makes the reserve anew if
  /// there is room; several times a second.
  disk_state look_after();
  /// Writes what changes nothing.
  result<void> probe();

private:
  transactions(connection writer, reserve spare, file_watch files,
               durability level);

  /// Refuses what would be lost, or would make a log longer that is stuck.
  result<void> admit();
  /// Makes room on a full disk: gives the reserve up, moves the log into the
  /// database, and makes the reserve anew. Once between two looks.
  void relieve(errc why);

  /// Commits after SQLITE_OK, else rolls back.
  result<void> end(std::string_view doing, int code);
  /// Undoes what a failed transaction left behind.
  void roll_back(bool flush_failed);
  /// Whether commits are flushed from now on; outside a transaction only.
  result<void> flush_commits(bool flushed);

  /// The log's length after the last commit.
  std::uint64_t log_frames_ = 0;
  connection db_;
  statement begin_, commit_, rollback_, fence_;
  std::unique_ptr<checkpointer> checkpoints_;
  durability level_;
  bool flushed_;
  reserve spare_;
  bool lacks_spare_ = false;
  bool may_relieve_ = true;
  file_watch files_;
  /// What was removed or replaced; nothing: all is well.
  std::optional<std::string> gone_;
};

} // namespace panal::sqlite
