#include "cluster/clock_watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>

namespace panal {

namespace {

/// No clock that is worth comparing with shows more, and sums of a few such
/// readings do not overflow.
constexpr unix_ms wall_max = unix_ms{1} << 50;

std::int64_t in_ms(steady_time::duration time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

template <class T>
void push_bounded(std::vector<T>& items, const T& fresh, std::size_t most) {
  if (items.size() >= most && !items.empty())
    items.erase(items.begin());
  items.push_back(fresh);
}

bool is_shorter(const clock_sample& a, const clock_sample& b) {
  return a.round_trip_ms < b.round_trip_ms;
}

std::int64_t median(std::vector<std::int64_t>& values) {
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle]
                                : (values[middle - 1] + values[middle]) / 2;
}

} // namespace

std::string_view to_string(clock_state state) noexcept {
  switch (state) {
  case clock_state::ok:
    return "ok";
  case clock_state::warn:
    return "warn";
  case clock_state::unsafe:
    return "unsafe";
  }
  return "?";
}

heartbeat_frame clock_watch::make_heartbeat(origin_id peer, unix_ms wall,
                                            steady_time steady) {
  notice_step(wall, steady);
  auto& to = peers_[peer];
  push_bounded(to.sent, wall, config_.sent_max);
  heartbeat_frame said{wall, to.echo, 0};
  if (to.echo != 0)
    said.held_ms = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(in_ms(steady - to.heard_at), 0,
                                 std::numeric_limits<std::uint32_t>::max()));
  return said;
}

void clock_watch::heard(origin_id peer, const heartbeat_frame& said,
                        unix_ms wall, steady_time steady) {
  notice_step(wall, steady);
  if (said.sent_at <= 0 || said.sent_at > wall_max)
    return;
  auto& from = peers_[peer];
  from.echo = said.sent_at;
  from.heard_at = steady;
  // Only what was sent since the own clock was last set is in its time.
  if (std::find(from.sent.begin(), from.sent.end(), said.echo)
      == from.sent.end())
    return;
  const auto held = std::int64_t{said.held_ms};
  const auto there = said.sent_at - held - said.echo;
  const auto back = said.sent_at - wall;
  const clock_sample fresh{(there + back) / 2, wall - said.echo - held};
  if (fresh.round_trip_ms < 0
      || fresh.round_trip_ms > config_.round_trip_max_ms)
    return;
  add(from, fresh);
  judge();
}

void clock_watch::gone(origin_id peer) {
  if (const auto i = peers_.find(peer); i != peers_.end()) {
    i->second.echo = 0;
    i->second.sent.clear();
  }
}

void clock_watch::forget(origin_id peer) {
  peers_.erase(peer);
  judge();
}

std::optional<clock_sample> clock_watch::best(origin_id peer) const {
  const auto i = peers_.find(peer);
  if (i == peers_.end() || i->second.samples.empty())
    return std::nullopt;
  const auto& samples = i->second.samples;
  // Of equal ones the newest.
  return *std::min_element(samples.rbegin(), samples.rend(), is_shorter);
}

void clock_watch::notice_step(unix_ms wall, steady_time steady) {
  const auto base = wall - in_ms(steady.time_since_epoch());
  if (base_ms_ && std::abs(base - *base_ms_) > config_.step_ms) {
    ++steps_;
    settled_at_ = steady + config_.settle_max;
    for (auto& [origin, peer] : peers_) {
      peer.sent.clear();
      peer.samples.clear();
    }
  }
  base_ms_ = base;
  now_ = steady;
}

// Two samples that can not both be true show that the peer's clock was set in
// between: the older one is void.
void clock_watch::add(peer_clock& peer, const clock_sample& fresh) const {
  std::erase_if(peer.samples, [&](const clock_sample& old) {
    const auto error = (old.round_trip_ms + fresh.round_trip_ms) / 2;
    return std::abs(old.offset_ms - fresh.offset_ms) > error + config_.step_ms;
  });
  push_bounded(peer.samples, fresh, config_.samples_max);
}

bool clock_watch::is_settling() const {
  return now_ < settled_at_
         && std::any_of(peers_.begin(), peers_.end(), [](const auto& peer) {
              return peer.second.echo != 0 && peer.second.samples.empty();
            });
}

void clock_watch::judge() {
  if (is_settling())
    return;
  std::vector<std::int64_t> clocks{0};
  for (const auto& [origin, peer] : peers_)
    if (const auto sample = best(origin))
      clocks.push_back(sample->offset_ms);
  if (clocks.size() == 1)
    return;
  distance_ms_ = -median(clocks);
  const auto far = std::abs(distance_ms_);
  const auto is_beyond = [&](std::int64_t bound, clock_state of) {
    return far > bound
           || (state_ >= of && far * 100 >= bound * config_.release_percent);
  };
  if (is_beyond(config_.unsafe_ms, clock_state::unsafe))
    state_ = clock_state::unsafe;
  else if (is_beyond(config_.warn_ms, clock_state::warn))
    state_ = clock_state::warn;
  else
    state_ = clock_state::ok;
}

} // namespace panal
