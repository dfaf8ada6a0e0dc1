#pragma once

// SQLite's handles as C++ values: a connection and its prepared statements,
// closed and finalized by their destructors. Only sqlite_*.cpp include this.

#include "storage/errc.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace panal::sqlite {

/// Finalizes a prepared statement.
struct finalizer {
  void operator()(sqlite3_stmt* x) const noexcept { sqlite3_finalize(x); }
};

/// Closes a connection; with the last one SQLite checkpoints and removes the
/// WAL.
struct closer {
  void operator()(sqlite3* x) const noexcept { sqlite3_close_v2(x); }
};

/// One prepared statement. Parameters count from 1, columns from 0. A failed
/// bind is remembered and answered by the next step.
class statement {
public:
  statement() = default;
  explicit statement(sqlite3_stmt* prepared) : handle_{prepared} {}

  /// 64 bits as SQLite keeps them: a signed integer of the same bit pattern.
  statement& bind(int parameter, std::uint64_t bits) noexcept;
  /// A blob with its length. The bytes must outlive the next step and reset.
  statement& bind(int parameter, std::string_view bytes) noexcept;

  /// The same as text, for what is compared with a column of text.
  statement& bind_text(int parameter, std::string_view text) noexcept;

  /// Steps once: SQLITE_ROW, SQLITE_DONE or SQLite's error code.
  int step() noexcept;
  /// Steps to the end of a statement that has no rows to give, and resets it:
  /// SQLITE_OK or SQLite's error code.
  int run() noexcept;
  /// Ends the statement's reading; called by `rows` and `run`.
  void reset() noexcept;

  std::uint64_t bits(int column) const noexcept;
  /// The column's bytes, valid until the next step or reset.
  std::string_view bytes(int column) const noexcept;

private:
  std::unique_ptr<sqlite3_stmt, finalizer> handle_;
  int bind_failure_ = SQLITE_OK;
};

/// The rows of a bound statement, which is reset when this leaves its scope.
class rows {
public:
  explicit rows(statement& of) noexcept : of_{of} {}
  rows(const rows&) = delete;
  rows& operator=(const rows&) = delete;
  ~rows() { of_.reset(); }

  /// Moves to the next row; false at the end and after a failure.
  bool next() noexcept { return (code_ = of_.step()) == SQLITE_ROW; }
  /// Whether next() has reached the end, not a failure.
  bool complete() const noexcept { return code_ == SQLITE_DONE; }
  const statement* operator->() const noexcept { return &of_; }

private:
  statement& of_;
  int code_ = SQLITE_OK;
};

/// What a pass that moves the write-ahead log's pages to the database file has
/// reached.
struct log_pass {
  /// False: it failed, and a later one may do better.
  bool done = false;
  /// Of the log's frames (pages), how many the database file has by now.
  std::uint64_t moved = 0;
  /// If it failed.
  error why;
};

/// One connection to a database file, used by one thread at a time. The
/// connections of one process share the write-ahead log's index in memory.
class connection {
public:
  /// Opens or creates the file at `path`, whose last part must not be a
  /// symbolic link, for this process: from the first access on, no other
  /// process gets at it.
  static result<connection> open(const std::string& path);

  /// Prepares one statement for repeated use.
  result<statement> prepare(std::string_view sql) const;
  /// Prepares each text into the statement beside it.
  result<void> prepare(
      std::initializer_list<std::pair<statement*, std::string_view>> all) const;
  /// Defines a function of SQL, which must not throw.
  /// @param arguments  how many it takes; negative: any number.
  result<void> define(const char* name, int arguments,
                      void (*body)(sqlite3_context*, int,
                                   sqlite3_value**)) const;
  /// Runs statements that return nothing of interest.
  result<void> execute(const char* sql) const;
  /// The same, for use among prepared statements: SQLITE_OK or SQLite's error
  /// code.
  int run(const char* sql) const noexcept;
  /// The first column of a statement's only row, as text.
  result<std::string> text(std::string_view sql) const;

  /// Has the write-ahead log's length in frames written to `to` after each of
  /// this connection's commits. Replaces SQLite's automatic checkpoints.
  void report_log_frames(std::uint64_t& to) const noexcept;
  /// Moves what it can of the log without waiting for anybody.
  log_pass checkpoint() const;
  /// Moves all of the log and cuts its file to nothing. Errors: `storage_full`,
  /// `storage_failed`; then the log holds what it did.
  result<void> empty_log() const;
  /// Flushes the database file, but not the log.
  bool flush_database() const noexcept;

  /// True between BEGIN and its COMMIT or ROLLBACK.
  bool in_transaction() const noexcept;
  /// True if the last call failed because another connection has the file.
  bool busy() const noexcept;
  /// True if the last call failed because the system could not flush a file.
  bool flush_failed() const noexcept;
  /// What the last failed call means: `storage_full`, `corrupt` or
  /// `storage_failed`, with SQLite's words after `doing`.
  error failure(std::string_view doing) const;

private:
  explicit connection(sqlite3* opened) : handle_{opened} {}

  /// Why the system refused the last failed write.
  int write_errno() const noexcept;

  std::unique_ptr<sqlite3, closer> handle_;
};

} // namespace panal::sqlite
