// How a replica and a peer come to trust each other's state, and what happens
// where they cannot.

#include "cluster/replica.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// How often open links are told that this node belongs to a cluster now:
/// frames may get lost.
constexpr unsigned greetings_after_news = 10;

} // namespace

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
  said.founder = founder_;
  said.identity = identity_;
  const auto before = told_before_.find(who);
  said.marked = std::max(before == told_before_.end() ? told_ : before->second,
                         line_hlc_);
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
  // One that comes late may tell of a cluster that the peer has left.
  const auto run = said.runs.back().id;
  if (link.greeted_run_id == run && said.hlc <= link.greeted_hlc)
    return;
  if (said.identity == identity_ && is_lie(said.line))
    return refuse_line(from, said.line);
  link.greeted_run_id = run;
  link.greeted_hlc = said.hlc;
  if (!clock_.is_far_ahead({said.hlc, from}))
    clock_.observe({said.hlc, from});
  link.greeted_last = said.last;
  link.is_rejoining = said.rejoining;
  link.greeted_line = said.line;
  link.identity = said.identity;
  const peer_memory theirs{said.receiver_runs, said.merged_hlc, said.identity,
                           said.founder, std::max(said.marked, said.line)};
  if (must_start_over() && (!identity_ || identity_ == said.identity)) {
    // Only a sound member has a state that can stand for what is lost here. A
    // node that holds nothing but its own keeps what it can read of that.
    if (!said.rejoining && (said.settled || holds_own_alone()))
      rejoin(damaged_plan(said.merged_hlc, said.identity));
    return;
  }
  const auto judged = judge(own_standing(), theirs);
  switch (judged.what) {
  case verdict_on_peer::rejoins:
    if (judged.plan.keeps_all)
      port_.note_stranger(from, identity_, said.identity, true);
    return rejoin(judged.plan);
  case verdict_on_peer::waits:
    return wait_for(from, link, said.identity);
  case verdict_on_peer::adopts:
    return adopt(said.identity, !said.receiver_runs.empty() && said.founder);
  case verdict_on_peer::joins:
    break;
  }
  link.is_stranger = false;
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

// It gives way, or takes this cluster's identity, and greets again then. What
// it sends until then is no part of this cluster's state.
void replica::wait_for(origin_id from, peer& link,
                       const cluster_identity& theirs) {
  if (theirs)
    link.accepts_them = false;
  if (theirs && !std::exchange(link.is_stranger, true))
    port_.note_stranger(from, identity_, theirs, false);
}

void replica::adopt(const cluster_identity& who, bool founder) {
  // Whoever has not come that far yet speaks for another cluster, or for none.
  if (!founder)
    for (auto& [origin, to] : peers_)
      if (to.identity != who)
        to.accepts_them = false;
  if (adopting_ && adopting_->first == who)
    return; // asked for again at the next tick
  adopting_.emplace(who, founder);
  port_.save_identity(who, founder);
}

void replica::identity_saved(const cluster_identity& who, bool founder) {
  if (!adopting_ || *adopting_ != std::pair{who, founder})
    return;
  adopting_.reset();
  if (gone_)
    return;
  const bool joins_as_it_is = founder || !has_data_;
  identity_ = who;
  founder_ = founder;
  if (!joins_as_it_is) {
    // What was written while that was under way may stand below its line.
    auto own = own_standing();
    own.identity = {};
    own.is_bound = true;
    return rejoin(judge(own, {{}, 0, who, false, clock_.promise()}).plan);
  }
  greetings_left_ = greetings_after_news;
  for (const auto& [origin, to] : peers_)
    if (to.linked)
      greet(origin, to);
}

// A cluster is born where nodes have met that belong to none; of those that are
// linked the one of the smallest origin bears it. Where two are born at once,
// as between nodes that do not reach each other, the younger one ends when they
// meet: nothing rests on it yet.
void replica::consider_birth() {
  if (adopting_)
    return port_.save_identity(adopting_->first, adopting_->second);
  if (identity_)
    return;
  bool has_met = false;
  for (const auto& [origin, to] : peers_) {
    if (!to.open())
      continue;
    if (to.identity || origin < memory_.self.origin)
      return;
    has_met = true;
  }
  if (has_met)
    adopt({clock_.promise(), drawn_()}, true);
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
  own.identity = identity_;
  own.is_bound = sealed_ || rejoining_ || line_hlc_ != 0;
  own.has_data = has_data_ || std::ranges::any_of(peers_, [](const auto& each) {
                   return each.second.in.is_busy();
                 });
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
    return is_copy();
  const auto met = memory_.facts[fact::met_run];
  rejoin(forgotten_plan(own_standing(), seen_hlc, met));
}

void replica::is_copy() {
  rejoin(copied_plan(own_standing(), most_acknowledged(), line_hlc_));
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
  reissued_upto_.clear();
  port_.reissue_some(memory_.facts[fact::restamp_upto], reissued_upto_);
}

void replica::reissued(const reissue_outcome& done) {
  reissued_ += done.issued;
  reissue_refused_ += done.refused;
  if (done.left) {
    reissuing_ = false; // the next tick tries again
    return;
  }
  if (!done.found_none) {
    reissued_upto_ = done.last;
    return port_.reissue_some(memory_.facts[fact::restamp_upto],
                              reissued_upto_);
  }
  rejoined_ = true;
  port_.save_fact(fact::rejoining, 0);
}

} // namespace panal
