#include "cluster/flow_credit.hpp"

#include <algorithm>

namespace panal {

flow_credit::flow_credit(const flow_config& config)
    : config_{config}, ahead_{config.ahead_bytes} {
  // nop
}

void flow_credit::sent(std::size_t bytes, steady_time now) {
  const bool was_idle = under_way() == 0;
  sent_ += bytes;
  departures_.push_back({sent_, now});
  if (was_idle) {
    moved_at_ = now;
    begin_trip(now);
  }
  was_short_ = was_short_ || !has_credit();
}

void flow_credit::received(std::uint64_t upto, steady_time now) {
  upto = std::min(upto, sent_);
  if (upto <= received_)
    return;
  received_ = upto;
  moved_at_ = now;
  auto left = now;
  while (!departures_.empty() && departures_.front().upto <= upto) {
    left = departures_.front().at;
    departures_.pop_front();
  }
  if (upto < trip_upto_)
    return;
  judge_trip(left, now);
  begin_trip(now);
}

// What was carried on the trip, taken for `delay_high`, is what may be under
// way: little on a slow link, and a lot where it is not the link but a busy
// peer that takes its time. Where little was under way, it was the receipt that
// took its time.
void flow_credit::judge_trip(steady_time left, steady_time now) {
  using seconds = std::chrono::duration<double>;
  const auto delay = now - left;
  const auto bytes = received_ - trip_from_;
  const auto rate = static_cast<double>(bytes)
                    / std::max(seconds{now - trip_began_}.count(), 1e-6);
  const auto carried = static_cast<std::size_t>(
      std::min(rate * seconds{config_.delay_high}.count(),
               static_cast<double>(config_.ahead_bytes_max)));
  if (delay > config_.delay_high && bytes >= config_.ahead_bytes_min)
    ahead_ = std::max(std::min(carried, ahead_), config_.ahead_bytes_min);
  else if (delay < config_.delay_low && was_short_)
    ahead_ = std::min(2 * ahead_, config_.ahead_bytes_max);
  else if (was_short_)
    ahead_ = std::max(ahead_, std::min(carried, 2 * ahead_));
}

void flow_credit::begin_trip(steady_time now) {
  trip_from_ = received_;
  trip_upto_ = sent_;
  trip_began_ = now;
  was_short_ = !has_credit();
}

} // namespace panal
