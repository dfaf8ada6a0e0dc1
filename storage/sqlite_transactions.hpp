#pragma once

// The transactions of the SQLite store: what is between a BEGIN and its
// COMMIT happens as a whole or not at all, no transaction is left open, and a
// commit is flushed if its caller or the store's level wants that.

#include "config/options.hpp"
#include "storage/sqlite_checkpointer.hpp"
#include "storage/sqlite_handle.hpp"

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>

namespace panal::sqlite {

/// Used by one thread.
class transactions {
public:
  /// @param writer  the connection that writes, set up for `level`.
  /// @param checkpoints  another one to the same file.
  static result<std::unique_ptr<transactions>>
  start(connection writer, connection checkpoints, durability level);
  transactions(const transactions&) = delete;
  transactions& operator=(const transactions&) = delete;

  const connection& db() const noexcept { return db_; }

  /// Runs `steps` (which answer SQLite's code) as one transaction: all of
  /// them are durable afterwards, or none has happened.
  /// @param doing  what a failure is said to have happened in.
  /// @param flush  durable against a power cut too, whatever the level.
  result<void> run(std::string_view doing, std::invocable<> auto const& steps,
                   bool flush = false) {
    if (auto set = flush_commits(flush || level_ == durability::sync); !set)
      return set;
    auto code = begin_.run();
    if (code == SQLITE_OK)
      code = steps();
    return end(doing, code);
  }

private:
  transactions(connection writer, durability level);

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
};

} // namespace panal::sqlite
