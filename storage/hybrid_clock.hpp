#pragma once

#include "storage/stamp.hpp"

#include <atomic>
#include <cstdint>

namespace panal {

/// Issues this node's stamps. One per node, shared by its shards: thread-safe
/// without locks, since all it holds is the newest hlc issued or heard of.
class hybrid_clock {
public:
  /// @param origin  this data directory's identity.
  /// @param time    outlives the clock.
  hybrid_clock(origin_id origin, const clock& time);

  /// Issues a stamp above everything issued or heard before, above
  /// `held` (the newest stamp that the key holds), and not behind the wall
  /// clock: merge-rule `tick(key)`.
  stamp tick(const stamp& held) noexcept;

  /// Makes later stamps come after one that was heard of.
  void observe(const stamp& heard) noexcept;

  /// A reading that every stamp issued from now on is above, and every
  /// earlier reading below. Not behind the wall clock.
  std::uint64_t promise() noexcept;

  /// True when `at` is so far ahead that it must be set aside.
  bool is_far_ahead(const stamp& at) const noexcept;

  origin_id origin() const noexcept { return origin_; }
  unix_ms now() const noexcept { return time_.now(); }

private:
  origin_id origin_;
  const clock& time_;
  std::atomic<std::uint64_t> last_{0};
};

} // namespace panal
