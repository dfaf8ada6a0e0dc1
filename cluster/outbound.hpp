#pragma once

// What one peer still has to be sent: a durable cursor into this node's
// sequence of changes, and a bounded window of frames in flight after it.
//
//     acknowledged <= ... frames in flight ... <= covered <= last position
//
// A peer that was away resumes from the cursor. State is shipped and merging
// is idempotent, so sending something twice is harmless, and the cursor may be
// saved lazily.

#include "cluster/recent_changes.hpp"
#include "storage/change.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace panal {

/// Time for deadlines inside a process; never compared between nodes.
using steady_time = std::chrono::steady_clock::time_point;

struct outbound_config {
  std::size_t frame_changes_max = 1'024;
  std::size_t frame_bytes_max = std::size_t{256} * 1024;
  /// Bounds of what may be in flight without acknowledgement.
  std::size_t window_frames_max = 64;
  std::size_t window_bytes_max = std::size_t{4} << 20;
  /// A window that has not moved for so long is sent again.
  std::chrono::milliseconds ack_timeout{5'000};
  /// What a peer has refused to merge (its disk is full) is sent again after
  /// this pause.
  std::chrono::milliseconds refused_pause{1'000};
};

/// One direction of one pair of nodes. Not thread-safe; owned by the
/// replicator actor.
class outbound {
public:
  /// @param acknowledged  the peer's saved cursor, 0 for a new peer.
  outbound(origin_id peer, position acknowledged,
           const outbound_config& config);

  /// Everything up to here is acknowledged, in flight, or need not be sent.
  position covered() const noexcept { return covered_; }
  /// Everything up to here is durable at the peer, or need not be sent.
  position acknowledged() const noexcept { return acknowledged_; }
  /// Everything that was ever journalled up to here is durable at the peer; 0
  /// while that cannot be said. What is read from the store is a key's newest
  /// state at its newest position: an older position that was passed over
  /// there is not made good before that newer one is acknowledged too.
  position confirmed() const noexcept {
    return acknowledged_ >= barrier_ ? acknowledged_ : 0;
  }
  /// True if another frame may be sent.
  bool has_room() const noexcept;

  /// Makes a frame of the changes after covered(), and counts it as sent.
  /// Leaves out what the peer itself has told and what is local.
  /// @return the frame's bytes; nothing if no change is left to be sent.
  std::optional<std::string> pack(const change_run& run, steady_time now);
  /// The next run to be packed was read from a store that reached up to `last`.
  void read_from_store(position last) noexcept {
    barrier_ = last > barrier_ ? last : barrier_;
  }

  /// The peer says that it holds everything up to `upto`. When that is nothing
  /// new, it could not merge what is in flight: see must_resend().
  /// @return false if that was never sent: the peer is faulty.
  bool acknowledge(position upto, steady_time now);

  /// True when the peer has refused what is in flight, and has had a pause.
  bool must_resend(steady_time now) const noexcept;

  /// True if the window has waited too long for a word from the peer.
  bool is_stalled(steady_time now) const noexcept;

  /// Forgets what is in flight: it will be sent again. For a refused window,
  /// and for a stalled one; what stalls twice without progress is a peer that
  /// takes nothing, and sending more would only fill buffers.
  void rewind() noexcept;
  void count_stall() noexcept { ++stalls_; }
  unsigned stalls() const noexcept { return stalls_; }

  /// A new link: nothing is in flight on it.
  /// @param last  the newest position now.
  void start_link(position last) noexcept;

private:
  struct in_flight {
    position upto;
    std::size_t bytes;
  };

  origin_id peer_;
  outbound_config config_;
  position acknowledged_;
  position covered_;
  /// The end of what was ever sent over the present link: an acknowledgement
  /// may come after its frame was given up and is to be sent again.
  position sent_ = 0;
  /// Where confirmed() begins to hold.
  position barrier_ = 0;

  bool may_skip(const change& what) const noexcept;
  std::deque<in_flight> window_;
  std::size_t window_bytes_ = 0;
  steady_time last_progress_{};
  bool refused_ = false;
  unsigned stalls_ = 0;
};

} // namespace panal
