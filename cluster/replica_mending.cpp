// What a replica does about what its node cannot read.

#include "cluster/mending.hpp"
#include "cluster/replica.hpp"
#include "cluster/replica_repair.hpp"
#include "storage/mutant.hpp"

#include <algorithm>

namespace panal {

// Who cannot read a key has not forgotten it: no line of this node says of any
// key that it is not held.
std::uint64_t replica::told_line() const noexcept {
  const bool hides =
      mending_.is_needed() && !PANAL_MUTANT(unreadable_is_absent);
  return hides || is_damaged_ ? 0 : line_hlc_;
}

void replica::mend(moment now) {
  repair_link_->set_line(told_line());
  if (!mending_.is_needed())
    return;
  std::vector<mending::source> sources;
  for (const auto& [who, to] : peers_)
    if (to.open() && !to.is_rejoining)
      sources.push_back({who, to.out.acknowledged()});
  mending_.tick(now.steady, sources);
}

// What no member has acknowledged nobody can give back, and what this node has
// promised about it does not hold any more.
bool replica::must_start_over() const {
  if (is_damaged_ || memory_.damage == damage_grade::holes)
    return true;
  if (!mending_.is_needed() || line_.members().size() < 2)
    return false;
  position most = 0;
  for (const auto who : line_.members()) {
    if (const auto i = peers_.find(who); i != peers_.end())
      most = std::max(most, i->second.out.acknowledged());
    if (const auto i = memory_.cursors.find(who); i != memory_.cursors.end())
      most = std::max(most, i->second);
  }
  return memory_.unreadable->newest() > most;
}

bool replica::holds_own_alone() const {
  const auto is_other = [this](const auto& each) {
    return each.first != memory_.self.origin;
  };
  return std::ranges::none_of(memory_.newest_of, is_other)
         && std::ranges::none_of(peers_, [](const auto& each) {
              return each.second.in.merged() > 0;
            });
}

void replica::take_frame(origin_id from, peer& link, const fetch_frame& said,
                         moment now) {
  if (link.open())
    mending_.asked(from, said, now.steady);
}

void replica::take_frame(origin_id from, peer& link, const fetched_frame& said,
                         moment now) {
  if (link.open() && !mending_.answered(from, said, now.steady))
    refuse_frame(from, "gives keys that it was not asked for");
}

} // namespace panal
