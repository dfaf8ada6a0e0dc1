#pragma once

// Which writes wait for how many members' commits, and which wait no longer.
// Peers acknowledge positions of this node's sequence, in order, so a peer
// that has one has all before it.

#include "cluster/outbound.hpp"
#include "storage/change.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace panal {

/// Not thread-safe. Adding and finishing take time in the logarithm of those
/// that wait, whatever their number.
class commit_quorum {
public:
  /// A write that waits no longer.
  struct done {
    std::uint64_t ticket = 0;
    /// Members that have committed it, this node included.
    std::size_t members_reached = 0;
    /// They are as many as were needed; else the deadline has passed.
    bool in_time = false;
  };

  /// @param waiting_max  writes that may wait at a time.
  explicit commit_quorum(std::size_t waiting_max = 65'536)
      : waiting_max_{waiting_max} {}

  /// This node has committed the change at `at`; its writer wants to know when
  /// `members` have, this node included. That may be more than there are.
  /// @return false if too many wait already, or that ticket does.
  bool add(std::uint64_t ticket, position at, std::size_t members,
           steady_time deadline);

  /// A peer has committed everything up to `upto`. What it said before is not
  /// taken back by less.
  void reached(origin_id peer, position upto);

  /// A peer is no member any more: its commits do not count.
  void forget(origin_id peer);

  /// Those that wait no longer, each once: those with enough members in order
  /// of their positions for each number of members, then those whose deadline
  /// is `now` or before, in its order.
  std::vector<done> take_done(steady_time now);

  std::size_t waiting() const noexcept { return waiting_.size(); }
  /// When take_done() is due at the latest.
  std::optional<steady_time> next_deadline() const;

private:
  struct write {
    position at;
    std::size_t members;
    steady_time deadline;
  };

  std::size_t members_at(position at) const;
  /// The last position that so many members have, this node included; none if
  /// there are not so many.
  std::optional<position> common(std::size_t members) const;
  void finish(std::uint64_t ticket, bool in_time, std::vector<done>& to);

  std::size_t waiting_max_;
  std::map<std::uint64_t, write> waiting_;
  /// By how many members are needed, by position.
  std::map<std::size_t, std::set<std::pair<position, std::uint64_t>>> by_need_;
  std::set<std::pair<steady_time, std::uint64_t>> by_deadline_;
  std::map<origin_id, position> peers_;
  /// The peers' positions, greatest first.
  std::vector<position> ranked_;
};

} // namespace panal
