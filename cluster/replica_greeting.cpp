// How a replica and a peer come to trust each other's state, and what happens
// where they cannot.

#include "cluster/replica.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <utility>

namespace panal {

bool replica::may_meet() const noexcept {
  return memory_.run_is_saved || PANAL_MUTANT(met_before_run_is_saved);
}

void replica::greet(origin_id who, const peer&) {
  if (!may_meet())
    return; // the next beat tries again
  greeting_frame said;
  said.hlc = clock_.promise();
  said.line = told_line();
  said.last = recent_.last();
  said.sealed = seal_asked_;
  said.settled = settled_;
  said.rejoining = rejoining_ || is_damaged_;
  said.has_data = has_data_;
  said.merged_hlc = seen_of(who);
  said.runs = memory_.runs[own_change];
  said.receiver_runs = memory_.runs[who];
  port_.send(who, encode(said));
}

void replica::take_frame(origin_id from, peer& link, const greeting_frame& said,
                         moment now) {
  if (!may_meet())
    return; // it is said again until it is answered
  if (said.runs.back().id != link.run)
    return; // a former run's, come late: it would count as the newer one
  if (!clock_.is_far_ahead({said.hlc, from}))
    clock_.observe({said.hlc, from});
  link.greeted_last = said.last;
  link.is_rejoining = said.rejoining;
  link.greeted_line = said.line;
  const peer_memory theirs{said.receiver_runs, said.sealed, said.merged_hlc};
  if (must_start_over()) {
    // Only a sound member has a state that can stand for what is lost here. A
    // node that holds nothing but its own keeps what it can read of that.
    if (!said.rejoining && (said.settled || holds_own_alone()))
      rejoin(damaged_plan(said.merged_hlc));
    return;
  }
  if (const auto plan = judge(own_standing(), theirs))
    return rejoin(*plan);
  link.greeted_run = said.runs.back();
  link.accepts_them = true;
  port_.send(from, encode(accept_frame{}));
  if (link.open())
    open(from, link, now);
}

void replica::take_frame(origin_id from, peer& link, const accept_frame&,
                         moment now) {
  link.accepted_by_them = true;
  if (link.open())
    open(from, link, now);
}

void replica::open(origin_id from, peer& link, moment now) {
  auto& runs = memory_.runs[from];
  if (runs.empty() || runs.back().id != link.greeted_run.id) {
    auto met = link.greeted_run;
    met.reached = 0;
    std::erase_if(runs, [&](const auto& run) { return run.id == met.id; });
    runs.push_back(met);
    if (runs.size() > runs_max)
      runs.erase(runs.begin());
    port_.add_run(met, from);
  }
  settle();
  pump(from, link, now);
}

void replica::settle() {
  if (!std::exchange(settled_, true))
    port_.save_fact(fact::settled, 1);
  if (std::exchange(met_, true) || memory_.runs[own_change].empty())
    return;
  const auto run = memory_.runs[own_change].back().id;
  memory_.facts[fact::met_run] = run;
  port_.save_fact(fact::met_run, run);
}

standing replica::own_standing() const {
  standing own;
  if (const auto i = memory_.runs.find(own_change); i != memory_.runs.end())
    own.runs = i->second;
  own.last = recent_.last();
  // Who rejoins has nothing of its own but what is to be issued anew.
  own.settled = settled_ || rejoining_;
  own.has_data = has_data_;
  return own;
}

void replica::rejoin(const rejoin_plan& plan) {
  if (std::exchange(gone_, true))
    return;
  gate_.set_reads(errc::rejoining);
  gate_.set_writes(errc::rejoining);
  port_.rejoin(plan);
}

void replica::was_forgotten(std::uint64_t seen_hlc, bool by_another_name) {
  if (by_another_name)
    return rejoin(copied_plan(most_acknowledged(), line_hlc_));
  const auto met = memory_.facts[fact::met_run];
  rejoin(forgotten_plan(own_standing(), seen_hlc, met));
}

void replica::is_copy() {
  rejoin(copied_plan(most_acknowledged(), line_hlc_));
}

position replica::most_acknowledged() const {
  position acknowledged = 0;
  for (const auto& [who, saved] : memory_.cursors)
    acknowledged = std::max(acknowledged, saved);
  for (const auto& [who, to] : peers_)
    acknowledged = std::max(acknowledged, to.out.acknowledged());
  return acknowledged;
}

// The cluster's state is taken over once a member has marked: all that it held
// when the link came up is merged. Where all members rejoin, the one of the
// smallest origin has nothing to wait for.
void replica::look_whether_rejoined() {
  if (!rejoining_ || reissuing_ || gone_)
    return;
  bool taken_over = false;
  bool first_of_all = true;
  for (const auto origin : line_.members()) {
    if (origin == memory_.self.origin)
      continue;
    const auto i = peers_.find(origin);
    const bool is_open = i != peers_.end() && i->second.open();
    first_of_all = first_of_all && is_open && i->second.is_rejoining
                   && memory_.self.origin < origin;
    if (!is_open || i->second.is_rejoining)
      continue;
    taken_over = taken_over || i->second.has_marked
                 || repair_.equal_at(origin).has_value();
  }
  if (line_.members().size() < 2 || !(taken_over || first_of_all))
    return;
  // All below the members' line is taken over, so it is this node's too; what
  // is issued anew must not come to be below it.
  std::uint64_t line = 0;
  for (const auto& [who, to] : peers_)
    if (to.open() && to.greeted_line > line)
      line = to.greeted_line;
  if (line > line_hlc_)
    return port_.save_fact(fact::line, line); // and again at the next tick
  reissuing_ = true;
  port_.reissue_all();
}

void replica::reissued(std::size_t issued, std::size_t refused, bool left) {
  reissued_ += issued;
  reissue_refused_ += refused;
  if (left) {
    reissuing_ = false; // the next tick tries again
    return;
  }
  rejoined_ = true;
  port_.save_fact(fact::rejoining, 0);
}

} // namespace panal
