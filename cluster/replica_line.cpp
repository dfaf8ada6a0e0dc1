// The replica's marks, its promises, and its line.

#include "cluster/replica.hpp"
#include "cluster/replica_repair.hpp"
#include "storage/mutant.hpp"

#include <algorithm>

namespace panal {

namespace {

/// Changes stamped further ahead than `stamp_ahead_max_ms` are set aside, so a
/// promise that far ahead would cover what was never merged; this much nearer,
/// repair has long brought them in.
constexpr unix_ms far_mark_margin_ms = 10LL * 60 * 1'000;

/// How often peers are told that this node has taken its state over: frames
/// may get lost.
constexpr unsigned greetings_after_rejoin = 10;

} // namespace

void replica::take_mark(origin_id from, peer& link, const mark_frame& said,
                        moment now) {
  link.in.resume(said.acknowledged);
  line_.merged(from, link.in.merged());
  link.run_reached = std::max(link.run_reached, said.at);
  mark claim{said.at, said.view, {}};
  const auto limit = hlc_at(now.wall + stamp_ahead_max_ms - far_mark_margin_ms);
  // It waits, perhaps for a mark of this node that was lost.
  if (said.wanted != 0 && said.wanted <= limit) {
    wanted_ = std::max(wanted_, said.wanted);
    owes_mark_ = true;
  }
  for (const auto& [origin, hlc] : said.merged) {
    if (hlc > limit)
      return;
    claim.row[origin] = hlc;
  }
  // One from before it had taken the cluster's state over itself proves
  // nothing.
  link.has_marked =
      link.has_marked || (!link.is_rejoining && said.at >= link.greeted_last);
  line_.mark_came(from, claim);
  look_whether_rejoined();
}

// Marks are made while somebody waits for the line, or for the cluster's state:
// at rest there are none. Who rejoins makes none itself: the line has to wait
// for what it will issue anew.
// And who is alone promises nothing: nobody would hear it.
bool replica::needs_mark() const noexcept {
  const auto is_open = [](const auto& each) { return each.second.open(); };
  if (rejoining_ || std::ranges::none_of(peers_, is_open))
    return false;
  const bool is_waited_for = std::ranges::any_of(peers_, [](const auto& each) {
    return each.second.open() && each.second.is_rejoining;
  });
  return is_waited_for || owes_mark_ || wanted_ > line_.least()
         || wanted_ > promised_;
}

// What is promised must hold for the next run too, whose clock may have
// stepped back: so a promise is made durable before it is told, and a run
// starts above it.
void replica::make_mark(moment now) {
  if (!needs_mark())
    return;
  // A line is drawn by members of one cluster: who belongs to none waits.
  if (!identity_ && !PANAL_MUTANT(provisional_draws_line))
    return;
  // Asked for again until it is durable: a disk may refuse.
  if (!sealed_ && settled_) {
    seal_asked_ = true;
    port_.save_fact(fact::sealed, 1);
    return;
  }
  // One at a time.
  if (mark_asked_ != 0 && now.steady < mark_patience_)
    return;
  mark_asked_ = clock_.promise();
  mark_patience_ = now.steady + 5 * config_.mark_pause;
  port_.save_fact(fact::promised, mark_asked_);
}

void replica::promise_is_durable(std::uint64_t hlc) {
  promised_ = std::max(promised_, hlc);
  repair_link_->set_mark(promised_);
  if (hlc != mark_asked_)
    return;
  // Whoever has not joined yet has nothing that others could rest on.
  if (rejoining_ || line_.members().size() < 2 || !settled_ || !sealed_) {
    mark_asked_ = 0;
    return;
  }
  // What is merged by now stands in the journal before the mark does, and only
  // that may go along with it.
  marked_row_ = line_.row();
  marked_view_ = line_.view();
  port_.mark(hlc);
}

void replica::marked(std::uint64_t hlc, position at, moment) {
  line_.promised(hlc);
  if (hlc != mark_asked_)
    return;
  mark_asked_ = 0;
  if (marked_view_ != line_.view())
    return; // made among other members
  marked_row_[memory_.self.origin] = hlc;
  owes_mark_ = false;
  for (auto& [who, to] : peers_) {
    // The older one first: under load a newer one is never ready.
    if (!to.waiting_mark || to.waiting_mark->view != marked_view_)
      to.waiting_mark = mark{at, marked_view_, marked_row_};
    send_mark(who, to);
  }
}

void replica::send_mark(origin_id who, peer& to) {
  if (!to.open() || !to.waiting_mark)
    return;
  if (to.out.confirmed() < to.waiting_mark->at)
    return;
  mark_frame said;
  said.acknowledged = to.out.acknowledged();
  said.at = to.waiting_mark->at;
  said.view = to.waiting_mark->view;
  said.wanted = wanted_ > line_.least() ? wanted_ : 0;
  for (const auto& [origin, upto] : to.waiting_mark->row)
    said.merged.push_back({origin, upto});
  if (const auto own = to.waiting_mark->row.find(memory_.self.origin);
      own != to.waiting_mark->row.end())
    told_ = std::max(told_, own->second);
  to.waiting_mark.reset();
  port_.send(who, encode(said));
}

void replica::want_line(std::uint64_t hlc) {
  wanted_ = std::max(wanted_, hlc);
}

void replica::move_line() {
  const auto least = line_.least();
  if (least > line_hlc_)
    port_.save_fact(fact::line, least);
}

void replica::saved(fact which, std::uint64_t value) {
  switch (which) {
  case fact::line:
    line_hlc_ = std::max(line_hlc_, value);
    repair_link_->set_line(told_line());
    port_.set_line(line_hlc_, std::min(line_hlc_, line_.least()));
    return;
  case fact::sealed:
    sealed_ = true;
    return;
  case fact::promised:
    promise_is_durable(value);
    return;
  case fact::rejoining:
    rejoining_ = value != 0;
    if (!rejoining_) {
      gate_.set_reads(errc::ok);
      watch_clock();
      greetings_left_ = greetings_after_rejoin;
    }
    return;
  default:
    return;
  }
}

std::uint64_t replica::seen_of(origin_id origin) const {
  auto seen = line_.seen_of(origin);
  if (const auto i = memory_.newest_of.find(origin);
      i != memory_.newest_of.end())
    seen = std::max(seen, i->second);
  // The line covers those who have joined: a newcomer's earlier writes may
  // stand below a line that was drawn without it.
  const auto met = memory_.runs.find(origin);
  for (const auto& who : members_) {
    if (who.origin != origin)
      continue;
    if (who.forgotten != 0)
      seen = std::max(seen, who.forgotten);
    else if (met != memory_.runs.end() && !met->second.empty())
      seen = std::max(seen, line_hlc_);
  }
  return seen;
}

} // namespace panal
