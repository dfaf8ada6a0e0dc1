#pragma once

// What one peer has sent and this node has not acknowledged yet. A frame's
// changes are spread over the shards; the frame is done when every part is
// durable, and acknowledged when all frames before it are done too.

#include "storage/change.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
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

  /// A part is durable. @return the position to acknowledge, if that moved.
  std::optional<position> done(std::uint64_t ticket);

  /// A part could not be merged: what is open is forgotten, and nothing is
  /// acknowledged until the peer sends it again.
  void failed(std::uint64_t ticket);

  /// Everything up to here is durable.
  position merged() const noexcept { return merged_; }

  std::uint64_t next_ticket() const noexcept { return next_ticket_; }

private:
  struct open_frame {
    std::uint64_t ticket;
    position upto;
    std::size_t parts_left;
  };

  open_frame* find(std::uint64_t ticket) noexcept;

  std::deque<open_frame> open_;
  std::uint64_t next_ticket_;
  /// The end of the frames taken.
  position received_ = 0;
  position merged_ = 0;
};

} // namespace panal
