#pragma once

// How far this node's clock is from its peers', measured as NTP does: each
// heartbeat echoes the newest one that came the other way.
//
//     t0  this node sends a heartbeat          (its own clock)
//     t1  the peer hears it = t2 - held_ms     (the peer's clock)
//     t2  the peer sends one that echoes t0
//     t3  this node hears that
//
//     offset = ((t1 - t0) + (t2 - t3)) / 2     round trip = (t3 - t0) - (t2 -
//     t1)
//
// The offset is off by half the round trip at most, so of the last samples the
// one with the shortest counts.

#include "cluster/frame.hpp"
#include "cluster/outbound.hpp"
#include "storage/change.hpp"
#include "storage/clock.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace panal {

struct clock_watch_config {
  /// A sample whose round trip took longer, in ms, is none.
  std::int64_t round_trip_max_ms = 2'000;
  /// Samples of a peer that are remembered.
  std::size_t samples_max = 8;
  /// Own heartbeats to a peer that may still be echoed.
  std::size_t sent_max = 32;
  /// A wall clock that has gone so much further or less far than the steady
  /// one since the last call was set: what was measured before is void.
  std::int64_t step_ms = 200;
  /// After that the last judgement stands until every peer that is heard is
  /// measured again, but for so long at most: the median of few clocks is no
  /// median of all.
  std::chrono::milliseconds settle_max{5'000};
  /// Further than this from the median of all members is worth a warning.
  std::int64_t warn_ms = 500;
  /// Further than this from the median it is no clock to stamp writes with.
  std::int64_t unsafe_ms = 60'000;
  /// A state ends when the distance is below so much of its bound.
  std::int64_t release_percent = 80;
};

enum class clock_state : std::uint8_t { ok, warn, unsafe };

/// "ok", "warn", "unsafe".
std::string_view to_string(clock_state state) noexcept;

/// One exchange of heartbeats with a peer.
struct clock_sample {
  /// How far the peer's clock is ahead of this node's; off by half the round
  /// trip and a millisecond at most.
  std::int64_t offset_ms = 0;
  std::int64_t round_trip_ms = 0;
};

/// Not thread-safe. All times are passed in: the wall clock is what is
/// compared, the steady one tells when the wall clock was set.
class clock_watch {
public:
  explicit clock_watch(const clock_watch_config& config = {})
      : config_{config} {}

  /// The heartbeat that is to be sent to a peer now.
  heartbeat_frame make_heartbeat(origin_id peer, unix_ms wall,
                                 steady_time steady);

  /// A heartbeat of a peer has come.
  void heard(origin_id peer, const heartbeat_frame& said, unix_ms wall,
             steady_time steady);

  /// The link to a peer has ended. What was measured stands until there is
  /// better: being cut off makes no clock right.
  void gone(origin_id peer);

  /// A peer is no member any more: it is not compared with.
  void forget(origin_id peer);

  /// The best of the last samples, if there is any.
  std::optional<clock_sample> best(origin_id peer) const;

  /// How far this node's clock is ahead of the median of all clocks that are
  /// known, its own included; of an even number the mean of the middle two.
  /// With nobody to compare with, the last distance stands.
  std::int64_t distance_ms() const noexcept { return distance_ms_; }
  clock_state state() const noexcept { return state_; }

  /// How often the own wall clock was set.
  std::uint64_t steps() const noexcept { return steps_; }

private:
  struct peer_clock {
    /// The newest `sent_at` heard; 0: none.
    unix_ms echo = 0;
    steady_time heard_at{};
    /// Of own heartbeats, oldest first.
    std::vector<unix_ms> sent;
    /// Oldest first.
    std::vector<clock_sample> samples;
  };

  void notice_step(unix_ms wall, steady_time steady);
  void add(peer_clock& peer, const clock_sample& fresh) const;
  bool is_settling() const;
  void judge();

  clock_watch_config config_;
  std::map<origin_id, peer_clock> peers_;
  /// The wall clock's reading when the steady one stood at 0.
  std::optional<std::int64_t> base_ms_;
  /// The last reading of the steady clock.
  steady_time now_{};
  steady_time settled_at_{};
  std::int64_t distance_ms_ = 0;
  clock_state state_ = clock_state::ok;
  std::uint64_t steps_ = 0;
};

} // namespace panal
