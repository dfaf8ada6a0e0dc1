#include "cluster/outbound.hpp"

#include "cluster/frame.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <iterator>
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
  return window_.size() < config_.window_frames_max
         && window_bytes_ < config_.window_bytes_max;
}

// What the peer has told itself, or makes by itself, it need not be sent; but
// up to the barrier that may be all that is left of an earlier change of the
// key, which it has not got.
bool outbound::may_skip(const change& what) const noexcept {
  return (what.at > barrier_ || PANAL_MUTANT(moved_rows_skipped))
         && (what.source == peer_ || what.source == local_change);
}

std::optional<std::string> outbound::pack(const change_run& run,
                                          steady_time now) {
  std::vector<const change*> sent;
  sent.reserve(run.changes.size());
  std::copy_if(run.changes.begin(), run.changes.end(), std::back_inserter(sent),
               [this](const change* what) {
                 return !what->entry.empty() && !may_skip(*what);
               });
  // What was passed over behind a frame in flight is told by none: the next
  // frame starts where the last one ended, or the receiver would see a gap.
  const auto before = std::exchange(covered_, run.upto);
  sent_ = std::max(sent_, covered_);
  const auto after = window_.empty() ? before : window_.back().upto;
  if (sent.empty()) {
    if (window_.empty())
      acknowledged_ = covered_;
    return std::nullopt;
  }
  const auto from = PANAL_MUTANT(frame_starts_where_it_ends) ? covered_ : after;
  auto bytes = encode_changes(acknowledged_, std::max(from, acknowledged_),
                              covered_, sent);
  if (window_.empty())
    last_progress_ = now;
  window_.push_back({covered_, bytes.size()});
  window_bytes_ += bytes.size();
  return bytes;
}

bool outbound::acknowledge(position upto, steady_time now) {
  if (upto > std::max(sent_, covered_))
    return false;
  // A repeated word about nothing new: the peer lives, but could not merge.
  if (!window_.empty() && upto == acknowledged_) {
    refused_ = true;
    last_progress_ = now;
  }
  while (!window_.empty() && window_.front().upto <= upto) {
    acknowledged_ = window_.front().upto;
    window_bytes_ -= window_.front().bytes;
    window_.pop_front();
    last_progress_ = now;
    refused_ = false;
    stalls_ = 0;
  }
  if (window_.empty()) {
    covered_ = std::max(covered_, upto);
    acknowledged_ = covered_;
  }
  return true;
}

bool outbound::must_resend(steady_time now) const noexcept {
  return refused_ && now - last_progress_ > config_.refused_pause;
}

bool outbound::is_stalled(steady_time now) const noexcept {
  return !window_.empty() && now - last_progress_ > config_.ack_timeout;
}

void outbound::rewind() noexcept {
  if (!PANAL_MUTANT(rewind_forgotten))
    covered_ = acknowledged_;
  window_.clear();
  window_bytes_ = 0;
  refused_ = false;
}

void outbound::start_link(position last) noexcept {
  rewind();
  barrier_ = last;
  stalls_ = 0;
  sent_ = acknowledged_;
}

} // namespace panal
