// What the replica tells of the cluster.

#include "cluster/replica.hpp"
#include "cluster/replica_repair.hpp"

#include <algorithm>

namespace panal {

namespace {

/// A moment of the steady clock on the wall clock.
unix_ms on_the_wall(steady_time at, moment now) {
  return now.wall
         - std::chrono::duration_cast<std::chrono::milliseconds>(now.steady
                                                                 - at)
               .count();
}

} // namespace

cluster_report replica::report(moment now) const {
  cluster_report said;
  said.node = memory_.self.name;
  said.cluster = memory_.cluster;
  said.origin = memory_.self.origin;
  if (const auto i = memory_.runs.find(own_change);
      i != memory_.runs.end() && !i->second.empty())
    said.run = i->second.back().id;
  said.status = gate_.reads() != errc::ok    ? "rejoining"
                : gate_.writes() != errc::ok ? "clock_unsafe"
                : is_alone()                 ? "provisional"
                                             : "ok";
  said.identity = identity_;
  said.lines_refused = lines_refused_;
  said.last = recent_.last();
  said.line = line_hlc_;
  if (line_hlc_ != 0)
    said.line_age_ms = now.wall - time_of({line_hlc_, 0});
  const auto block = line_.blocked_by();
  said.line_blocked_why = line_.least() > line_hlc_ ? "" : block.why;
  said.digest_root = digests_.root();
  said.digest_children = digests_.children(0, 0);
  said.clock_from_median_ms = clocks_.distance_ms();
  said.set_aside = set_aside_;
  said.refused_below_line = below_line_;
  said.frames_refused = frames_refused_;
  said.repair_rounds = repair_.counters().rounds;
  said.repair_differences = repair_.counters().differences;
  said.repaired_keys = repair_link_->keys_taken();
  said.reissued = reissued_;
  said.reissue_refused = reissue_refused_;
  for (const auto& who : members_) {
    if (who.forgotten != 0)
      continue;
    if (who.origin == block.who && !said.line_blocked_why.empty())
      said.line_blocked_by = who.name;
    said.members.push_back(report_of(who, now));
  }
  if (said.members.empty())
    said.members.push_back(report_of(memory_.self, now));
  std::ranges::sort(said.members, {}, &member_report::name);
  return said;
}

std::string_view replica::name_of(origin_id who) const noexcept {
  const auto i = std::ranges::find(members_, who, &member::origin);
  return i == members_.end() ? "unknown" : std::string_view{i->name};
}

bool replica::is_alone() const noexcept {
  const auto is_open = [](const auto& each) { return each.second.open(); };
  return config_.clustered && !identity_
         && std::ranges::none_of(peers_, is_open);
}

member_report replica::report_of(const member& who, moment now) const {
  member_report said;
  said.origin = who.origin;
  said.name = who.name;
  said.address = who.address;
  if (who.origin == memory_.self.origin) {
    said.state = member_state::self;
    said.acknowledged = said.merged = recent_.last();
    return said;
  }
  const auto i = peers_.find(who.origin);
  if (i == peers_.end())
    return said;
  const auto& link = i->second;
  const bool is_whole = link.open() && link.in.merged() >= link.greeted_last
                        && !link.is_rejoining;
  said.state = is_whole      ? member_state::linked
               : link.linked ? member_state::syncing
                             : member_state::unreachable;
  said.acknowledged = link.out.acknowledged();
  said.lag_changes =
      recent_.last() - std::min(recent_.last(), link.out.acknowledged());
  if (link.lag_probe && said.lag_changes > 0)
    said.lag_ms = std::max<std::int64_t>(0, now.wall - link.lag_probe->second);
  said.merged = link.in.merged();
  if (const auto sample = clocks_.best(who.origin))
    said.clock_offset_ms = sample->offset_ms;
  if (const auto at = repair_.equal_at(who.origin))
    said.in_sync_at = on_the_wall(*at, now);
  return said;
}

} // namespace panal
