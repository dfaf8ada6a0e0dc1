#pragma once

// How much may be under way on one link. What was sent but has not been
// received lies in buffers that this node does not own, ahead of a heartbeat
// or a small change; and what the sockets take tells nothing about what has
// arrived. So the receiver says how much it has got, and from how long that
// took follows how much more may be sent: enough to keep a fast link busy, and
// no more than a slow one carries in `delay_high`.

#include "cluster/flow_config.hpp"
#include "cluster/steady_time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>

namespace panal {

/// One direction of one link, from its start to its end. Not thread-safe.
class flow_credit {
public:
  explicit flow_credit(const flow_config& config);

  /// True if another frame may be sent; one may go beyond what is left.
  bool has_credit() const noexcept { return under_way() < ahead_; }

  void sent(std::size_t bytes, steady_time now);
  /// The peer has received `upto` bytes, counted from the link's start. What
  /// was never sent is not believed.
  void received(std::uint64_t upto, steady_time now);

  /// Counted from the link's start.
  std::uint64_t sent() const noexcept { return sent_; }
  std::uint64_t under_way() const noexcept { return sent_ - received_; }
  /// What may be under way.
  std::size_t ahead() const noexcept { return ahead_; }
  /// When bytes were last seen to arrive, or first to be under way.
  steady_time moved_at() const noexcept { return moved_at_; }

private:
  struct departure {
    std::uint64_t upto;
    steady_time at;
  };

  void judge_trip(steady_time left, steady_time now);
  void begin_trip(steady_time now);

  flow_config config_;
  std::size_t ahead_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::deque<departure> departures_;
  steady_time moved_at_{};
  /// One judgement for each round trip: of the bytes from its begin on.
  std::uint64_t trip_from_ = 0;
  std::uint64_t trip_upto_ = 0;
  steady_time trip_began_{};
  /// More would have been sent on this trip.
  bool was_short_ = false;
};

} // namespace panal
