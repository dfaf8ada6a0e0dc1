#pragma once

// Private corners of the machine for a test: network namespaces joined by a
// virtual cable, and a small disk. None of them has a name or outlives the
// test: the kernel takes them away with the last process or descriptor that
// holds them, however the test ends.

#include "tests/support/process.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace panal::test {

/// A network namespace with nothing but its loopback device up.
class net_namespace {
public:
  /// A new one; nothing where the test may not make any.
  static std::optional<net_namespace> make();

  int descriptor() const { return fd_.get(); }
  /// Runs `what` on a thread of its own inside; sockets opened there stay
  /// inside wherever they are used.
  void run(const std::function<void()>& what) const;
  /// Runs `ip` with these arguments inside. @return whether it succeeded.
  bool ip(const std::string& arguments) const;

private:
  explicit net_namespace(unique_fd fd) : fd_{std::move(fd)} {}

  unique_fd fd_;
};

/// Two namespaces with a cable between them: 10.99.0.1 and 10.99.0.2.
class cabled_pair {
public:
  /// Nothing where the test may not make namespaces and devices.
  static std::optional<cabled_pair> make();

  const net_namespace& left() const { return left_; }
  const net_namespace& right() const { return right_; }
  static std::string left_host() { return "10.99.0.1"; }
  static std::string right_host() { return "10.99.0.2"; }
  /// Pulls the cable out at the right end, or plugs it in again. Nobody's
  /// connection is closed by that: what is sent just never arrives.
  bool plug(bool in) const;

private:
  cabled_pair(net_namespace left, net_namespace right)
      : left_{std::move(left)}, right_{std::move(right)} {}

  net_namespace left_;
  net_namespace right_;
};

/// A disk of a few megabytes, seen by the main thread and the processes that
/// it starts.
class small_disk {
public:
  /// A disk of `bytes`; nothing where the test may not mount. To be called on
  /// the main thread.
  static std::unique_ptr<small_disk> make(std::size_t bytes);
  ~small_disk();
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

  const std::filesystem::path& path() const { return folder_.path(); }
  /// Takes all the space that is left.
  void fill();
  /// Gives back what fill() took.
  void relieve();

private:
  small_disk() = default;

  temp_dir folder_;
};

} // namespace panal::test
