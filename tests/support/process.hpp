#pragma once

// A child process of a test, and the words tests wait with. A child never
// outlives its test: the destructor kills it by its own pid and reaps it, and
// the kernel kills it should the test itself crash.

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace panal::test {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

/// Anything printable, one after the other.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream result;
  (result << ... << parts);
  return result.str();
}

/// How much longer everything may take than usual: the thread sanitizer slows
/// programs down by 5 to 15 times.
#ifdef __SANITIZE_THREAD__
inline constexpr int slowness = 8;
#else
inline constexpr int slowness = 1;
#endif

/// Polls `holds` every few milliseconds until it is true or `limit` is over.
/// @return whether it came true; it is asked once more at the very end.
bool eventually(milliseconds limit, const std::function<bool()>& holds);

/// An open file descriptor, closed by the destructor.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_{fd} {}
  unique_fd(unique_fd&& other) noexcept : fd_{other.release()} {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release();
  void reset();

private:
  int fd_ = -1;
};

/// Lets this process, and those that it starts, open as many files as the
/// system allows. @return how many that is.
std::size_t raise_open_files();

/// A directory of its own under $TMPDIR, removed with all that is in it.
/// PANAL_TEST_KEEP=1 in the environment keeps it for a look afterwards.
class temp_dir {
public:
  temp_dir();
  ~temp_dir();
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

/// What to start.
struct launch {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  /// Added to the test's own environment, from which every variable that a
  /// node would read as an option has been taken out.
  std::map<std::string, std::string> environment;
  /// An open network namespace to start in; -1: the test's own.
  int net_namespace = -1;
  /// How many files it may have open; 0: as many as the test.
  std::size_t open_files_max = 0;
  /// Where the output is appended to as well; empty: nowhere.
  std::filesystem::path log_copy;
};

/// How a process ended.
struct exit_status {
  /// The exit status, or -1 if a signal ended it.
  int code = -1;
  /// The signal that ended it, or 0.
  int signal = 0;
};

/// A running program whose output is read line by line as it comes.
/// Made on the test's main thread only: the kernel ties the child's life to
/// the thread that forked it.
class process {
public:
  using line_test = std::function<bool(std::string_view)>;

  /// Starts the program. Throws std::runtime_error where that fails; a
  /// program that cannot be executed exits with status 127.
  explicit process(const launch& what);
  ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  pid_t pid() const { return pid_; }
  /// Sends a signal, unless the process was reaped already.
  void signal(int number);
  /// Waits for the end and reaps. @return nothing when it still runs.
  std::optional<exit_status> wait_exit(milliseconds limit);
  bool running() { return !wait_exit(milliseconds{0}).has_value(); }

  /// Waits for an output line at or after index `from` that passes the test.
  /// @return its index; nothing at the deadline or at the output's end.
  std::optional<std::size_t> wait_for_line(const line_test& wanted,
                                           milliseconds limit,
                                           std::size_t from = 0);
  /// All output lines so far.
  std::vector<std::string> lines() const;
  std::size_t line_count() const;
  /// The last lines as one text, for the message of a failed assertion.
  std::string tail(std::size_t lines_max = 20) const;

  /// How many file descriptors it has open; 0 when it is gone.
  std::size_t open_files() const;
  /// Its resident memory in bytes; 0 when it is gone.
  std::size_t resident_bytes() const;
  /// The processor time it has used, user and system.
  milliseconds cpu_time() const;
  /// Its state letter as /proc tells it: 'R', 'S', 'T' (stopped), ...
  char state() const;

private:
  void read_output(unique_fd from, const std::filesystem::path& copy);
  void add_lines(std::string& pending);
  std::string proc_file(const char* name) const;

  pid_t pid_ = -1;
  std::optional<exit_status> ended_;
  mutable std::mutex mutex_;
  std::condition_variable grew_;
  std::vector<std::string> lines_;
  bool output_ended_ = false;
  std::thread reader_;
};

} // namespace panal::test
