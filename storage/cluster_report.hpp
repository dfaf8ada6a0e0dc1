#pragma once

// What a node knows of its cluster, as plain values: made by the cluster side,
// shown by the HTTP side.

#include "storage/change.hpp"
#include "storage/clock.hpp"
#include "storage/cluster_identity.hpp"
#include "storage/stamp.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// How a node stands to a member.
enum class member_state : std::uint8_t {
  /// The node itself.
  self,
  /// There is a link, and changes flow.
  linked,
  /// There is a link, and one end still has to take the other's whole state.
  syncing,
  unreachable,
};

/// The state's name in the report: "linked".
std::string_view to_string(member_state state) noexcept;

struct member_report {
  origin_id origin = 0;
  std::string name;
  std::string address;
  member_state state = member_state::unreachable;
  /// This node's changes up to here are durable at the member.
  position acknowledged = 0;
  /// How many of this node's positions it has not acknowledged, and for how
  /// long the oldest of them has waited; 0 when it has all.
  std::uint64_t lag_changes = 0;
  std::int64_t lag_ms = 0;
  /// The member's changes up to here are durable at this node.
  position merged = 0;
  /// The member's wall clock minus this node's, where it was measured.
  std::optional<std::int64_t> clock_offset_ms;
  /// When a digest comparison with it last found no difference.
  std::optional<unix_ms> in_sync_at;
};

struct cluster_report {
  std::string node;
  std::string cluster;
  origin_id origin = 0;
  /// This process run's identity.
  std::uint64_t run = 0;
  /// Which cluster the node's state belongs to; none: it is provisional.
  cluster_identity identity;
  /// "ok", "provisional", "rejoining" or "clock_unsafe"; what else is wrong
  /// with the node stands in its node_conditions.
  std::string_view status = "ok";
  /// The newest position of this node's sequence.
  position last = 0;
  /// Keys with a value.
  std::uint64_t keys = 0;

  /// Everything stamped at or below it (an hlc) is merged by every member;
  /// 0 while nothing is.
  std::uint64_t line = 0;
  /// The member that holds the line back, and why; empty if none does.
  std::string line_blocked_by;
  std::string_view line_blocked_why;
  /// How old the line is: now minus its wall-clock part, ms; 0 without one.
  std::int64_t line_age_ms = 0;
  /// Keys of which only the stub of a delete or an expiry is left, which waits
  /// for the line.
  std::uint64_t tombstones = 0;
  /// The newest clear-all; the zero stamp if there was none.
  stamp cleared;

  /// The digest tree's root, and the 64 hashes below it.
  std::uint64_t digest_root = 0;
  std::vector<std::uint64_t> digest_children;

  /// This node's clock minus the members' median, ms.
  std::int64_t clock_from_median_ms = 0;

  // Counters since the start.
  /// Changes stamped too far in the future, which were not merged.
  std::uint64_t set_aside = 0;
  /// Changes below the line, which were ignored.
  std::uint64_t refused_below_line = 0;
  /// Frames of peers that were no frames, or broke a limit.
  std::uint64_t frames_refused = 0;
  /// Of these: frames of peers that claimed a line above this node's marks.
  std::uint64_t lines_refused = 0;
  /// Repair rounds, and those that found a difference; keys that changed here
  /// by repair.
  std::uint64_t repair_rounds = 0;
  std::uint64_t repair_differences = 0;
  std::uint64_t repaired_keys = 0;
  /// Own writes that a rejoin has issued again, and those that were refused
  /// since a greater version stands.
  std::uint64_t reissued = 0;
  std::uint64_t reissue_refused = 0;

  /// By name, this node included.
  std::vector<member_report> members;
};

} // namespace panal
