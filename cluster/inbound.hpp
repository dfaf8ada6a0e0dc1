#pragma once

// What one peer has sent and this node has not acknowledged yet. A frame's
// changes are spread over the shards; the frame is done when every part is
// durable, and acknowledged when all frames before it are done too. A change
// that was deferred is a part like any other: until it has come, nothing from
// its frame on is acknowledged, though frames behind it are merged meanwhile.

#include "storage/change.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

namespace panal {

/// One direction of one link, from its start to its end. Not thread-safe;
/// owned by the replicator actor.
class inbound {
public:
  /// @param first_ticket  tickets of an earlier link are below it.
  explicit inbound(std::uint64_t first_ticket) : next_ticket_{first_ticket} {}

  /// A frame says what this node has acknowledged to its sender, in this link
  /// or an earlier one: all of that is durable here.
  void resume(position acknowledged) noexcept;

  /// True if the frame of the changes in (after, ...] follows what came
  /// before, or repeats it; false if there is a gap.
  bool follows(position after) const noexcept;

  /// A frame of the changes up to `upto` has come; they go to `parts` shards.
  /// @return the ticket that each part carries.
  std::uint64_t open(position upto, std::size_t parts);

  /// Before open(): is the frame of the changes in (after, upto] one that the
  /// peer has begun to send anew? Then what is deferred will not come any more.
  bool is_begun_anew(position after, position upto) const noexcept {
    return !deferred_.empty() && after <= merged_ && upto > merged_;
  }
  /// What is open is forgotten: it comes again.
  void forget_open();

  /// Behind open(): the last frame's changes that come by these streams are
  /// parts of it too.
  void defer(std::uint32_t first_stream, std::uint16_t streams);
  bool is_deferred(std::uint32_t stream) const {
    return deferred_.contains(stream);
  }
  std::size_t deferred() const noexcept { return deferred_.size(); }
  /// A deferred change has come: from now on it is a part like any other.
  /// @return its frame's ticket; none if nobody waits for that stream.
  std::optional<std::uint64_t> arrived(std::uint32_t stream);

  /// A part is durable. @return the position to acknowledge, if that moved.
  std::optional<position> done(std::uint64_t ticket);

  /// A part could not be merged: what is open is forgotten, and nothing is
  /// acknowledged until the peer sends it again.
  void failed(std::uint64_t ticket);

  /// Everything up to here is durable.
  position merged() const noexcept { return merged_; }
  /// Everything up to here is durable but for deferred changes that have not
  /// come.
  position settled() const noexcept;

  /// Some frame that was taken is not durable yet.
  bool is_busy() const noexcept { return !open_.empty(); }

  std::uint64_t next_ticket() const noexcept { return next_ticket_; }

private:
  struct open_frame {
    std::uint64_t ticket;
    position upto;
    std::size_t parts_left;
    /// Of these: deferred ones that have not come.
    std::size_t deferred = 0;
  };

  open_frame* find(std::uint64_t ticket) noexcept;

  std::deque<open_frame> open_;
  /// The frames' tickets by the streams that they wait for.
  std::map<std::uint32_t, std::uint64_t> deferred_;
  std::uint64_t next_ticket_;
  /// The end of the frames taken.
  position received_ = 0;
  position merged_ = 0;
};

} // namespace panal
