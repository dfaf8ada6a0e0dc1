#pragma once

// What one peer still has to be sent: a durable cursor into this node's
// sequence of changes, and a bounded window of frames in flight after it.
//
//     acknowledged <= ... frames in flight ... <= covered <= last position
//
// A change that is too large for a frame is deferred: it travels beside the
// frames, as a stream of its own. Frames behind it go on and make room in the
// window as they settle at the peer, but the cursor waits in front of it.
//
// A peer that was away resumes from the cursor. State is shipped and merging
// is idempotent, so sending something twice is harmless, and the cursor may be
// saved lazily.

#include "cluster/recent_changes.hpp"
#include "cluster/steady_time.hpp"
#include "storage/change.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace panal {

/// Changes on their way to a peer: a frame, and the streams of what it defers.
struct packed_changes {
  std::string frame;
  /// Numbered one after another.
  std::vector<std::string> streams;
};

struct outbound_config {
  std::size_t frame_changes_max = 1'024;
  std::size_t frame_bytes_max = std::size_t{256} * 1024;
  /// Bounds of what may be in flight without acknowledgement.
  std::size_t window_frames_max = 64;
  std::size_t window_bytes_max = std::size_t{4} << 20;
  /// A change that takes more is deferred.
  std::size_t whole_bytes_max = std::size_t{64} * 1024;
  /// Bounds of what is deferred and not acknowledged; one larger change may
  /// go alone.
  std::size_t deferred_max = 16;
  std::size_t deferred_bytes_max = std::size_t{8} << 20;
  /// A window that has not moved for so long is sent again; and for longer, the
  /// more bytes are in flight, as long as this many could arrive in a second.
  std::chrono::milliseconds ack_timeout{5'000};
  std::size_t rate_least = std::size_t{16} * 1024;
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
  /// Leaves out what the peer itself has told and what is local; ends before a
  /// large change for which there is no room.
  /// @param next_stream  the number of the first stream.
  /// @return nothing if no change is left to be sent.
  std::optional<packed_changes> pack(const change_run& run, steady_time now,
                                     std::uint32_t next_stream = 1);
  /// The next run to be packed was read from a store that reached up to `last`.
  void read_from_store(position last) noexcept {
    barrier_ = last > barrier_ ? last : barrier_;
  }

  /// The peer says that it holds everything up to `upto`, and everything up to
  /// `settled` but for what is deferred. `refused`: it could not merge what is
  /// in flight, see must_resend().
  /// @return false if that was never sent: the peer is faulty.
  bool acknowledge(position upto, steady_time now, position settled = 0,
                   bool refused = false);

  /// A deferred change is not acknowledged yet.
  bool has_deferred() const noexcept { return deferred_ > 0; }

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
    std::size_t deferred = 0;
    std::size_t deferred_bytes = 0;
    /// It takes no room any more.
    bool is_settled = false;
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
  bool is_large(const change& what) const noexcept;
  bool has_room_for(const change& large, const in_flight& next) const noexcept;
  void settle(in_flight& sent) noexcept;
  void settle_upto(position settled);

  /// Settled frames in a row are one.
  std::deque<in_flight> window_;
  /// Of those that are not settled.
  std::size_t window_frames_ = 0;
  std::size_t window_bytes_ = 0;
  std::size_t deferred_ = 0;
  std::size_t deferred_bytes_ = 0;
  /// A large change waits for room.
  bool is_blocked_ = false;
  steady_time last_progress_{};
  bool refused_ = false;
  unsigned stalls_ = 0;
};

} // namespace panal
