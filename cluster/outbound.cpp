#include "cluster/outbound.hpp"

#include "cluster/frame.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <utility>

namespace panal {

outbound::outbound(origin_id peer, position acknowledged,
                   const outbound_config& config)
    : peer_{peer},
      config_{config},
      acknowledged_{acknowledged},
      covered_{acknowledged} {
  // nop
}

bool outbound::has_room() const noexcept {
  return window_frames_ < config_.window_frames_max
         && window_bytes_ < config_.window_bytes_max && !is_blocked_;
}

bool outbound::is_large(const change& what) const noexcept {
  return what.key.size() + what.entry.size() > config_.whole_bytes_max;
}

bool outbound::has_room_for(const change& large,
                            const in_flight& next) const noexcept {
  const auto count = deferred_ + next.deferred;
  const auto bytes = deferred_bytes_ + next.deferred_bytes;
  return count == 0
         || (count < config_.deferred_max
             && bytes + large.entry.size() <= config_.deferred_bytes_max);
}

// What the peer has told itself, or makes by itself, it need not be sent; but
// up to the barrier that may be all that is left of an earlier change of the
// key, which it has not got.
bool outbound::may_skip(const change& what) const noexcept {
  return (what.at > barrier_ || PANAL_MUTANT(moved_rows_skipped))
         && (what.source == peer_ || what.source == local_change);
}

std::optional<packed_changes> outbound::pack(const change_run& run,
                                             steady_time now,
                                             std::uint32_t next_stream) {
  packed_changes packed;
  in_flight next{run.upto, 0};
  std::vector<const change*> sent;
  sent.reserve(run.changes.size());
  for (const auto* what : run.changes) {
    if (what->entry.empty() || may_skip(*what))
      continue;
    if (!is_large(*what)) {
      sent.push_back(what);
      continue;
    }
    is_blocked_ = !has_room_for(*what, next);
    if (is_blocked_) {
      next.upto = what->at - 1;
      break;
    }
    packed.streams.push_back(encode(deferred_frame{what->key, what->entry}));
    ++next.deferred;
    next.deferred_bytes += packed.streams.back().size();
  }
  // What was passed over behind a frame in flight is told by none: the next
  // frame starts where the last one ended, or the receiver would see a gap.
  const auto before = std::exchange(covered_, std::max(covered_, next.upto));
  sent_ = std::max(sent_, covered_);
  const auto after = window_.empty() ? before : window_.back().upto;
  if (sent.empty() && packed.streams.empty()) {
    if (window_.empty())
      acknowledged_ = covered_;
    return std::nullopt;
  }
  const auto from = PANAL_MUTANT(frame_starts_where_it_ends) ? covered_ : after;
  packed.frame =
      encode_changes(acknowledged_, std::max(from, acknowledged_), covered_,
                     sent, packed.streams.empty() ? 0 : next_stream,
                     static_cast<std::uint16_t>(packed.streams.size()));
  if (window_.empty())
    last_progress_ = now;
  next.upto = covered_;
  next.bytes = packed.frame.size();
  window_.push_back(next);
  ++window_frames_;
  window_bytes_ += next.bytes;
  deferred_ += next.deferred;
  deferred_bytes_ += next.deferred_bytes;
  return packed;
}

bool outbound::acknowledge(position upto, steady_time now, position settled,
                           bool refused) {
  if (std::max(upto, settled) > std::max(sent_, covered_))
    return false;
  if (refused && !window_.empty()) {
    refused_ = true;
    last_progress_ = now;
  }
  if (PANAL_MUTANT(settled_is_acknowledged))
    upto = std::max(upto, settled);
  while (!window_.empty() && window_.front().upto <= upto) {
    auto& done = window_.front();
    acknowledged_ = done.upto;
    settle(done);
    deferred_ -= done.deferred;
    deferred_bytes_ -= done.deferred_bytes;
    window_.pop_front();
    last_progress_ = now;
    is_blocked_ = false;
    refused_ = false;
    stalls_ = 0;
  }
  if (window_.empty()) {
    covered_ = std::max(covered_, upto);
    acknowledged_ = covered_;
  } else if (deferred_ > 0) {
    settle_upto(settled);
  }
  return true;
}

void outbound::settle(in_flight& sent) noexcept {
  if (std::exchange(sent.is_settled, true))
    return;
  --window_frames_;
  window_bytes_ -= sent.bytes;
}

// Nothing is proved by it: a frame that was lost is sent again all the same.
void outbound::settle_upto(position settled) {
  std::deque<in_flight> kept;
  for (auto& sent : window_) {
    if (sent.upto <= settled)
      settle(sent);
    const bool joins = !kept.empty() && sent.is_settled && sent.deferred == 0
                       && kept.back().is_settled && kept.back().deferred == 0;
    if (joins)
      kept.back().upto = sent.upto;
    else
      kept.push_back(sent);
  }
  window_ = std::move(kept);
}

bool outbound::must_resend(steady_time now) const noexcept {
  return refused_ && now - last_progress_ > config_.refused_pause;
}

bool outbound::is_stalled(steady_time now) const noexcept {
  const std::chrono::milliseconds on_the_way{
      1'000 * (window_bytes_ + deferred_bytes_) / config_.rate_least};
  return !window_.empty()
         && now - last_progress_ > config_.ack_timeout + on_the_way;
}

void outbound::rewind() noexcept {
  if (!PANAL_MUTANT(rewind_forgotten))
    covered_ = acknowledged_;
  window_.clear();
  window_frames_ = window_bytes_ = 0;
  deferred_ = deferred_bytes_ = 0;
  is_blocked_ = false;
  refused_ = false;
}

void outbound::start_link(position last) noexcept {
  rewind();
  barrier_ = last;
  stalls_ = 0;
  sent_ = acknowledged_;
}

} // namespace panal
