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
// A pass that fails (a full disk) costs nothing but the log's length: the next
// is made when the log has grown again, and at `log_frames_max` at the latest.
// If that fails too the log is stuck: it must not grow any more, since moving
// it takes the more room the longer it is.

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

/// How long the log may become; less where the volume is small.
struct log_bounds {
  std::uint64_t frames_wanted = log_frames_wanted;
  std::uint64_t frames_max = log_frames_max;
};

/// Used by one thread, the one that commits; its own thread is its own affair.
class checkpointer {
public:
  /// Starts the thread.
  /// @param own  a connection to the same file that nobody else uses.
  static result<std::unique_ptr<checkpointer>> start(connection own,
                                                     log_bounds bounds);
  checkpointer(const checkpointer&) = delete;
  checkpointer& operator=(const checkpointer&) = delete;
  /// Lets a pass that is under way end.
  ~checkpointer();

  /// Does what is due after a commit. The log keeps what could not be moved:
  /// see stuck().
  /// @param writer  the connection that committed, in no transaction now.
  /// @param log_frames  the log's length after that commit.
  void after_commit(const connection& writer, std::uint64_t log_frames);

  /// Why the log, which has reached its bound, cannot be moved: nothing should
  /// be committed before empty() has succeeded. `ok`: it is not stuck.
  const error& stuck() const noexcept { return stuck_; }
  /// Moves all of the log on the caller's connection, in no transaction now,
  /// and cuts the log's file to nothing. Errors: as connection::empty_log.
  result<void> empty(const connection& writer);

private:
  checkpointer(connection own, log_bounds bounds);

  enum class phase { resting, requested, running, ending };

  void run();
  void request();
  /// The pass asked for last, once it has ended; waits for that if `wait`.
  std::optional<log_pass> ended(bool wait);
  /// Moves the log's rest on the caller's connection.
  void finish(const connection& writer, std::uint64_t log_frames);
  /// When the next pass is due, and whether the log is stuck.
  void failed(const error& why, std::uint64_t log_frames);

  // The committing thread's.
  log_bounds bounds_;
  error stuck_;
  /// The log's length after the last commit, and from which one on something
  /// is to be done.
  std::uint64_t log_frames_ = 0;
  std::uint64_t due_ = bounds_.frames_wanted;
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
