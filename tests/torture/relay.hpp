#pragma once

// One connection through the network: two sockets, a queue for each way.

#include "tests/torture/network.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace panal::torture {

/// Bytes on their way from one socket to another.
class pipe_way {
public:
  pipe_way(int from, int to) : from_{from}, to_{to} {}

  /// Whether it wants to read more.
  bool thirsty() const { return !ended_ && size_ < size_max; }
  /// Reads what there is; it may go on at `release`.
  /// @return false when the connection is broken.
  bool take(steady::time_point release);
  /// Puts bytes into the queue.
  void add(std::string bytes, steady::time_point release);
  /// Bytes that may go on at `now`.
  bool ready(steady::time_point now) const;
  /// Whether bytes wait at all.
  bool waiting() const { return !queue_.empty(); }
  /// When the first bytes may go on; only while some wait.
  steady::time_point release() const { return queue_.front().release; }
  /// Sends at most `limit` bytes of what is ready. @return how many; nothing
  /// when the connection is broken.
  std::optional<std::size_t> give(std::size_t limit);
  /// The first bytes in the queue.
  std::size_t front_size() const { return queue_.front().bytes.size(); }
  /// The sender has closed and all is passed on.
  bool finished() const { return ended_ && queue_.empty(); }

private:
  static constexpr std::size_t size_max = 256 * 1024;
  struct chunk {
    steady::time_point release;
    std::string bytes;
  };

  int from_;
  int to_;
  std::deque<chunk> queue_;
  std::size_t size_ = 0;
  bool ended_ = false;
};

class relay {
public:
  relay(unique_fd dialler_side, std::size_t target_node)
      : target{target_node}, near_side_{std::move(dialler_side)} {}

  /// Who dialled, once known.
  std::optional<std::size_t> dialler;
  const std::size_t target;
  /// To be closed at the next look.
  bool doomed = false;

  /// Reads the dialler's first bytes until they name it.
  /// @return false when it has gone before.
  bool introduce(std::size_t nodes);
  /// Connects on, once the dialler is known.
  bool connect(const endpoint& to);
  bool connected() const { return static_cast<bool>(far_side_); }
  int near_side() const { return near_side_.get(); }
  int far_side() const { return far_side_.get(); }
  /// Only once connected.
  pipe_way& onward() { return *onward_; }
  pipe_way& back() { return *back_; }
  /// Lets it be closed: at once, or behind what was given already.
  void doom(bool with_reset);

private:
  unique_fd near_side_;
  unique_fd far_side_;
  std::string hello_;
  std::optional<pipe_way> onward_;
  std::optional<pipe_way> back_;
};

/// The node that the first bytes of a connection name: the hello carries the
/// dialler's name with its length before it. Nothing if they name none.
std::optional<std::size_t> dialler_named_in(std::string_view bytes,
                                            std::size_t nodes);

} // namespace panal::torture
