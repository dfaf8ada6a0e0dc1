#include "cluster/replica.hpp"

#include "cluster/replica_repair.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// The line that a frame of repair claims for its sender.
std::optional<std::uint64_t> line_in(const frame& said) {
  if (const auto* leaves = std::get_if<repair_leaves_frame>(&said))
    return leaves->line;
  if (const auto* entries = std::get_if<repair_entries_frame>(&said))
    return entries->line;
  return std::nullopt;
}

} // namespace

replica::replica(const replica_config& config, replica_memory memory,
                 replica_port& port, hybrid_clock& clock, node_gate& gate,
                 const digest_tree& digests)
    : config_{config},
      memory_{std::move(memory)},
      port_{port},
      clock_{clock},
      gate_{gate},
      digests_{digests},
      recent_{config.recent_bytes_max},
      streams_{config.streams_bytes_max},
      line_{memory_.self.origin},
      repair_link_{std::make_unique<repair_link>(
          port, digests,
          [this](origin_id who, std::string bytes) {
            send(who, std::move(bytes));
          })},
      repair_{config.repairing, *repair_link_, *repair_link_,
              std::mt19937_64{memory_.seed}},
      mending_{config.mending, memory_.unreadable, port,
               [this](origin_id who, std::string bytes) {
                 send(who, std::move(bytes));
               }},
      clocks_{config.clocks},
      drawn_{~memory_.seed} {
  auto& facts = memory_.facts;
  line_hlc_ = facts[fact::line];
  repair_link_->set_line(told_line());
  promised_ = told_ = facts[fact::promised];
  repair_link_->set_mark(promised_);
  wanted_ = clock_.promise();
  sealed_ = seal_asked_ = facts[fact::sealed] != 0;
  settled_ = facts[fact::settled] != 0;
  rejoining_ = facts[fact::rejoining] != 0;
  identity_ = {facts[fact::cluster_born], facts[fact::cluster_id]};
  // Half of one is none: the other half could not be read.
  if (identity_.id == 0)
    identity_ = {};
  founder_ = facts[fact::founder] != 0;
  if (!identity_ && sealed_)
    identity_ = identity_before_all;
  has_data_ = memory_.has_data;
  is_damaged_ = memory_.damage == damage_grade::unsound
                && !PANAL_MUTANT(damaged_fact_believed);
  if (rejoining_ || is_damaged_) {
    gate_.set_reads(errc::rejoining);
    gate_.set_writes(errc::rejoining);
  }
}

replica::~replica() = default;

void replica::start(position last) {
  recent_.start(last);
}

void replica::members_changed(const std::vector<member>& members) {
  std::vector<origin_id> present;
  for (const auto& who : members) {
    if (who.forgotten == 0) {
      present.push_back(who.origin);
      continue;
    }
    clocks_.forget(who.origin);
    quorum_.forget(who.origin);
    if (const auto i = peers_.find(who.origin);
        i != peers_.end() && !i->second.linked)
      peers_.erase(i);
  }
  for (const auto origin : present)
    told_before_.try_emplace(origin, told_);
  std::erase_if(told_before_, [&](const auto& each) {
    return std::ranges::find(present, each.first) == present.end();
  });
  members_ = members;
  line_.set_members(std::move(present));
}

void replica::committed(const std::vector<change_batch_ptr>& news, moment now) {
  now_ = now.steady;
  for (const auto& batch : news)
    recent_.add(batch);
  has_data_ = true;
  wanted_ = clock_.promise();
  for (auto& [who, to] : peers_)
    pump(who, to, now);
}

void replica::link_up(const member& who, std::uint64_t run, moment now) {
  now_ = now.steady;
  auto& to = peer_of(who.origin);
  note_reached(who.origin, to);
  to.who = who;
  to.run = run;
  to.run_reached = 0;
  to.linked = true;
  to.accepts_them = to.accepted_by_them = false;
  to.memory_from = recent_.last();
  to.out.start_link(recent_.last());
  to.waiting_mark.reset();
  to.has_marked = false;
  to.in = inbound{to.in.next_ticket()};
  start_flow(who.origin, to);
  greet(who.origin, to);
}

void replica::link_down(origin_id who, moment now) {
  auto& to = peer_of(who);
  note_reached(who, to);
  to.linked = to.accepts_them = to.accepted_by_them = false;
  to.out.start_link(recent_.last());
  to.in = inbound{to.in.next_ticket()};
  start_flow(who, to);
  clocks_.gone(who);
  repair_.gone(who, now.steady);
  mending_.gone(who);
}

void replica::frame_came(origin_id from, std::string_view bytes, moment now) {
  now_ = now.steady;
  auto& link = peer_of(from);
  if (!link.linked || gone_)
    return;
  count(from, link, bytes);
  const auto content = decode_frame(bytes);
  if (!content)
    return refuse_frame(from, content.error().detail);
  if (refuses_line_in(from, *content))
    return;
  if (link.open() && repair_.came(from, *content, bytes.size(), now.steady))
    return;
  const auto take = [&](const auto& said) {
    take_frame(from, link, said, now);
  };
  std::visit(take, *content);
}

void replica::refuse_frame(origin_id from, std::string_view why) {
  ++frames_refused_;
  port_.cut(from, why, true);
}

// The line is the least of all members' marks: none can be above what this
// node has promised, unless it was drawn before this node belonged to the
// cluster, and then this node's first promise was above it. A run that begins
// is above what a disk may have lost of an earlier one.
bool replica::is_lie(std::uint64_t line) const noexcept {
  if (promised_ == 0 || !identity_ || PANAL_MUTANT(lying_line_believed))
    return false;
  const auto own = memory_.runs.find(own_change);
  const auto begun = own == memory_.runs.end() || own->second.empty()
                         ? 0
                         : own->second.back().started_hlc;
  return line > std::max(promised_, begun);
}

bool replica::refuses_line_in(origin_id from, const frame& said) {
  const auto line = line_in(said);
  if (!line || !is_lie(*line))
    return false;
  refuse_line(from, *line);
  return true;
}

void replica::refuse_line(origin_id from, std::uint64_t line) {
  ++lines_refused_;
  port_.note_lie(from, line, promised_);
  refuse_frame(from, "its line is above what this node has marked");
}

// A peer sends data only after it has judged this node's greeting well.
bool replica::may_speak(origin_id from, peer& link, moment now) {
  if (!link.accepts_them)
    return false;
  if (!std::exchange(link.accepted_by_them, true))
    open(from, link, now);
  return true;
}

void replica::take_frame(origin_id from, peer&, const heartbeat_frame& said,
                         moment now) {
  clocks_.heard(from, said, now.wall, now.steady);
}

void replica::take_frame(origin_id from, peer&, const members_frame&, moment) {
  refuse_frame(from, "a members frame in the wrong place");
}

void replica::take_frame(origin_id from, peer& link, const changes_frame& said,
                         moment now) {
  if (may_speak(from, link, now))
    receive(from, link, said, now);
}

void replica::take_frame(origin_id from, peer& link, const ack_frame& said,
                         moment now) {
  if (may_speak(from, link, now))
    take_ack(from, link, said, now);
}

void replica::take_frame(origin_id from, peer& link, const mark_frame& said,
                         moment now) {
  if (may_speak(from, link, now))
    take_mark(from, link, said, now);
}

void replica::tick(moment now) {
  if (gone_)
    return;
  now_ = now.steady;
  beat(now);
  tell_receipts();
  watch_clock();
  look_after_windows(now);
  for (auto& [who, to] : peers_) {
    pump(who, to, now);
    send_mark(who, to);
  }
  if (now.steady >= next_mark_) {
    next_mark_ = now.steady + config_.mark_pause;
    consider_birth();
    make_mark(now);
    port_.set_line(line_hlc_, std::min(line_hlc_, line_.least()));
  }
  if (now.steady >= next_line_) {
    next_line_ = now.steady + config_.line_pause;
    move_line();
  }
  if (now.steady >= next_cursors_) {
    next_cursors_ = now.steady + config_.cursor_pause;
    save_cursors();
  }
  answer_waiting(now);
  mend(now);
  repair_.tick(now.steady, comparable_peers());
  look_whether_rejoined();
  if (rejoining_ && rejoined_)
    port_.save_fact(fact::rejoining, 0); // again: the disk may have refused
}

// A greeting or an acceptance that was lost is said again until both sides
// have spoken.
void replica::beat(moment now) {
  for (auto& [who, to] : peers_) {
    if (!to.linked)
      continue;
    port_.send(who, encode(clocks_.make_heartbeat(who, now.wall, now.steady)));
    if (!to.open() || greetings_left_ > 0)
      greet(who, to);
  }
  if (greetings_left_ > 0)
    --greetings_left_;
}

void replica::watch_clock() {
  const bool is_unsafe = clocks_.state() == clock_state::unsafe
                         && !PANAL_MUTANT(unsafe_clock_writes);
  if (!rejoining_ && !is_damaged_)
    gate_.set_writes(is_unsafe ? errc::clock_unsafe : errc::ok);
}

void replica::await(std::uint64_t ticket, position position_of_it,
                    write_level wanted, steady_time deadline, moment now) {
  const auto members = line_.members().size();
  const auto needed = wanted == write_level::all ? members : members / 2 + 1;
  if (!quorum_.add(ticket, position_of_it, needed, deadline))
    port_.answer(ticket, 1, false);
  answer_waiting(now);
}

void replica::answer_waiting(moment now) {
  for (const auto& done : quorum_.take_done(now.steady))
    port_.answer(done.ticket, done.members_reached, done.in_time);
}

bool replica::is_linked(origin_id who) const noexcept {
  const auto i = peers_.find(who);
  return i != peers_.end() && i->second.linked;
}

replica::peer& replica::peer_of(origin_id who) {
  if (const auto i = peers_.find(who); i != peers_.end())
    return i->second;
  const auto saved = memory_.cursors.find(who);
  const auto cursor = saved == memory_.cursors.end() ? 0 : saved->second;
  peer fresh{outbound{who, cursor, config_.window}, config_.flow};
  fresh.saved_cursor = cursor;
  return peers_.emplace(who, std::move(fresh)).first->second;
}

} // namespace panal
