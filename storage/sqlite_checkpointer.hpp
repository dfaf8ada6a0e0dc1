#pragma once

// Keeps the write-ahead log short without making appends wait.
//
// A checkpoint flushes the log, copies its pages to the database file and
// flushes that: tens to hundreds of milliseconds when the log is long. Here a
// thread with a connection of its own does so, in passive passes that appends
// go on beside. But SQLite starts the log from its beginning only when *all*
// of it has been moved, and while appends go on a pass never reaches the end.
// So:
//   1. a log of `log_frames_wanted` has a pass made in the background;
//   2. passes follow one another, each with less left to it, while much is
//      left; each flushes the database file, which SQLite itself leaves to
//      the pass that reaches the end;
//   3. as soon as little is left, the appending thread moves that itself
//      between two commits: a few pages and two short flushes. The next
//      commit starts the log from its beginning;
//   4. a log of `log_frames_max`, which only a disk that cannot keep up
//      lets come about, makes the appending thread wait for 3.
// A pass that fails (a full disk) costs nothing but the log's length: the
// next is made when the log has grown by `log_frames_wanted` again.

#include "storage/sqlite_handle.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace panal::sqlite {

/// In frames, which are pages of 4,096 bytes: 8 MB and 16 MB.
inline constexpr std::uint64_t log_frames_wanted = 2048;
inline constexpr std::uint64_t log_frames_max = 4096;

/// Used by one thread, the one that commits; its own thread is its own affair.
class checkpointer {
public:
  /// Starts the thread.
  /// @param own  a connection to the same file that nobody else uses.
  static result<std::unique_ptr<checkpointer>> start(connection own);
  checkpointer(const checkpointer&) = delete;
  checkpointer& operator=(const checkpointer&) = delete;
  /// Lets a pass that is under way end.
  ~checkpointer();

  /// Does what is due after a commit. Errors are not told: the log keeps what
  /// could not be moved.
  /// @param writer  the connection that committed, in no transaction now.
  /// @param log_frames  the log's length after that commit.
  void after_commit(const connection& writer, std::uint64_t log_frames);

private:
  explicit checkpointer(connection own);

  enum class phase { resting, requested, running, ending };

  void run();
  void request();
  /// The pass asked for last, once it has ended; waits for that if `wait`.
  std::optional<log_pass> ended(bool wait);
  /// Moves the log's rest on the caller's connection.
  void finish(const connection& writer, std::uint64_t log_frames);

  // The committing thread's.
  /// The log's length after the last commit, and from which one on something
  /// is to be done.
  std::uint64_t log_frames_ = 0;
  std::uint64_t due_ = log_frames_wanted;
  /// Whether a pass was asked for whose end has not been seen, and whether
  /// the log was begun anew since.
  bool pass_open_ = false;
  bool pass_outdated_ = false;

  // Both threads'.
  std::mutex mutex_;
  std::condition_variable changed_;
  phase phase_ = phase::resting;
  log_pass last_;

  // Its thread's, from the start to the join.
  connection own_;
  std::thread thread_;
};

} // namespace panal::sqlite
