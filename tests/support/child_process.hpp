#pragma once

// A forked child that tells its parent values through a pipe. Fork before
// any thread is started.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <type_traits>

namespace panal::test {

/// Called in the child: tells the parent one value.
template <class T>
void send(int to_parent, const T& value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 512);
  if (::write(to_parent, &value, sizeof value)
      != static_cast<ssize_t>(sizeof value))
    ::_exit(1);
}

/// Called in the child: waits to be killed.
[[noreturn]] inline void wait_forever() {
  for (;;)
    ::pause();
}

class child_process {
public:
  /// Runs `body(to_parent)` in a child, which ends with it, as a crash does:
  /// nothing is destroyed.
  template <class Body>
  explicit child_process(Body&& body) {
    int ends[2];
    if (::pipe(ends) != 0 || (id_ = ::fork()) < 0)
      throw std::runtime_error("no child process");
    from_child_ = ends[0];
    if (id_ == 0) {
      ::close(ends[0]);
      body(ends[1]);
      ::_exit(0);
    }
    ::close(ends[1]);
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    kill();
    ::close(from_child_);
  }

  /// The next value that the child has told; nothing once it has ended and
  /// all is read.
  template <class T>
  std::optional<T> receive() {
    T value;
    if (::read(from_child_, &value, sizeof value)
        != static_cast<ssize_t>(sizeof value))
      return std::nullopt;
    return value;
  }

  /// Ends the child as kill -9 does, if it still runs.
  void kill() {
    if (id_ <= 0)
      return;
    ::kill(id_, SIGKILL);
    ::waitpid(id_, nullptr, 0);
    id_ = 0;
  }

private:
  pid_t id_ = 0;
  int from_child_ = -1;
};

} // namespace panal::test
