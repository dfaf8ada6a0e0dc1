#pragma once

// Stamps order writes across the cluster: a hybrid logical clock reading and
// the identity of the node that issued it (Kulkarni et al., "Logical Physical
// Clocks and Consistent Snapshots in Globally Distributed Databases", 2014).

#include "storage/change.hpp"
#include "storage/clock.hpp"

#include <compare>
#include <cstdint>

namespace panal {

/// Bits of a stamp's `hlc` that count within one millisecond.
inline constexpr unsigned hlc_counter_bits = 16;

/// A change stamped further ahead of the local clock than this is set aside.
inline constexpr unix_ms stamp_ahead_max_ms = 24LL * 60 * 60 * 1000;

/// A place in the cluster's total order of writes; unique, since an origin
/// never issues the same hlc twice. The zero stamp stands before all others.
struct stamp {
  /// 48 bits of Unix milliseconds, then 16 bits of counter.
  std::uint64_t hlc = 0;
  origin_id origin = 0;

  friend auto operator<=>(const stamp&, const stamp&) = default;
};

/// The hlc of the first stamp of a millisecond.
constexpr std::uint64_t hlc_at(unix_ms time) noexcept {
  return static_cast<std::uint64_t>(time) << hlc_counter_bits;
}

/// The wall-clock part of a stamp.
constexpr unix_ms time_of(const stamp& at) noexcept {
  return static_cast<unix_ms>(at.hlc >> hlc_counter_bits);
}

} // namespace panal
