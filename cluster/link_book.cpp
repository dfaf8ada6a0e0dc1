// Links: how each begins, what comes over it, and how it ends.

#include "cluster/link_book.hpp"

#include "cluster/frame.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <utility>

namespace panal {

link_book::link_book(const link_config& config,
                     std::unique_ptr<membership> roster, std::uint64_t run,
                     link_port& port)
    : config_{config},
      roster_{std::move(roster)},
      run_{run},
      port_{port},
      penalties_{config.penalty_min, config.penalty_max,
                 config.penalty_forgiven} {
  for (const auto& who : roster_->others())
    durable_.insert(who.origin);
}

link_book::link_map::iterator link_book::link_of(origin_id who) {
  return std::ranges::find_if(
      links_, [&](const auto& x) { return x.second.who.origin == who; });
}

void link_book::admitted(std::uint64_t link_id, const proven_peer& peer,
                         steady_time now) {
  if (!peer.dialled.empty())
    roster_->dial_ended(peer.dialled, now);
  if (is_second_claim(peer, now))
    return port_.close(link_id);
  learn(peer, now);
  if (!makes_room(peer.who.origin, now))
    return port_.close(link_id);
  auto& fresh = links_[link_id];
  fresh.who = peer.who;
  fresh.run = peer.run;
  fresh.dialled = !peer.dialled.empty();
  fresh.farewell =
      roster_->is_forgotten(peer.who.origin) && !PANAL_MUTANT(forgotten_let_in);
  fresh.heard_at = now;
  if (fresh.farewell || durable_.contains(peer.who.origin)
      || PANAL_MUTANT(link_before_saved))
    open(links_.find(link_id), now);
}

void link_book::open(link_map::iterator ready, steady_time now) {
  ready->second.at = stage::greeting;
  ready->second.heard_at = now;
  port_.adopt(ready->first, ready->second.dialled);
}

// A peer that was restarted is seen in a new run while its old link has not
// been missed yet. When the old one goes on speaking, there are two of it.
bool link_book::is_second_claim(const proven_peer& peer, steady_time now) {
  const auto held = link_of(peer.who.origin);
  if (held == links_.end() || held->second.at != stage::up
      || held->second.run == peer.run)
    return false;
  const auto claimed_for = claims_.add(peer.who.origin, peer.run, now);
  if (now - held->second.heard_at > config_.doubtful_silence) {
    cut(held, "replaced", false, now);
  } else if ((claimed_for > config_.copy_patience
              || PANAL_MUTANT(restart_taken_for_copy))
             && !PANAL_MUTANT(twin_goes_on)) {
    port_.note(link_event::copied, peer.who, {});
    port_.refuse_copy(peer.who.origin, peer.run);
  }
  return true;
}

// One link per peer. The handshake has settled who dials, so a second one
// means that the first is dying, or that two dials crossed.
bool link_book::makes_room(origin_id who, steady_time now) {
  if (penalties_.keeps_out(who, now))
    return false;
  const auto held = link_of(who);
  if (held == links_.end())
    return true;
  if (now - held->second.heard_at > config_.doubtful_silence)
    cut(held, "replaced", false, now);
  return false; // the peer dials again in a moment, when all have let go
}

void link_book::greeted(std::uint64_t link_id, steady_time now) {
  const auto i = links_.find(link_id);
  if (i == links_.end() || i->second.at != stage::greeting)
    return;
  auto& peer = i->second;
  peer.at = stage::up;
  peer.heard_at = now;
  if (!peer.farewell || !PANAL_MUTANT(farewell_unsaid))
    send_members(link_id);
  if (peer.farewell)
    return;
  roster_->link_up(peer.who.origin);
  port_.note(link_event::up, peer.who, {});
  port_.tell_up(peer.who, peer.run, link_id);
}

// Who was forgotten is listened to for a while and no longer, and who has not
// greeted yet has to do so in time, whatever comes.
void link_book::heard(std::uint64_t link_id, steady_time now) {
  const auto i = links_.find(link_id);
  if (i != links_.end() && i->second.at == stage::up && !i->second.farewell)
    i->second.heard_at = now;
}

std::optional<origin_id> link_book::frame_came(std::uint64_t link_id,
                                               std::string_view bytes,
                                               steady_time now) {
  const auto i = links_.find(link_id);
  if (i == links_.end() || i->second.at != stage::up)
    return std::nullopt;
  heard(link_id, now);
  if (is_link_frame(bytes)) {
    members_came(i, bytes, now);
    return std::nullopt;
  }
  if (i->second.farewell)
    return std::nullopt;
  return i->second.who.origin;
}

void link_book::members_came(link_map::iterator from, std::string_view bytes,
                             steady_time now) {
  const auto said = decode_frame(bytes);
  if (!said) {
    port_.note(link_event::refused_frame, from->second.who,
               said.error().detail);
    return cut(from, "a frame that is none", true, now);
  }
  const auto& known = std::get<members_frame>(*said).known;
  for (const auto& who : known)
    if (who.origin == roster_->self().origin && who.forgotten != 0)
      port_.tell_forgotten(who.forgotten, who.name != roster_->self().name);
  if (!from->second.farewell)
    remember(roster_->heard_of(known), now);
}

void link_book::cut(std::uint64_t link_id, std::string_view why, bool faulty,
                    steady_time now) {
  if (const auto i = links_.find(link_id); i != links_.end())
    cut(i, why, faulty, now);
}

void link_book::cut(link_map::iterator gone, std::string_view why, bool faulty,
                    steady_time now) {
  const auto link_id = gone->first;
  const auto lost = std::move(gone->second);
  links_.erase(gone);
  port_.close(link_id);
  if (lost.at != stage::up || lost.farewell)
    return;
  port_.note(link_event::down, lost.who, why);
  if (faulty)
    penalties_.add(lost.who.origin, now);
  if (!PANAL_MUTANT(lost_link_not_dialled))
    roster_->link_down(lost.who.origin, now, faulty);
  port_.tell_down(lost.who);
}

bool link_book::is_overdue(const link& peer, steady_time now) const {
  const auto limit = peer.at != stage::up ? config_.greeting_max
                     : peer.farewell      ? config_.farewell_length
                                          : config_.silence_max;
  return now - peer.heard_at > limit;
}

void link_book::beat(steady_time now) {
  for (auto i = links_.begin(); i != links_.end();) {
    const auto at = i++;
    if (is_overdue(at->second, now))
      cut(at, "silent", false, now);
  }
  for (auto& [origin, owed] : unsaved_)
    if (now - owed.asked_at >= config_.save_pause
        && !PANAL_MUTANT(save_asked_once)) {
      owed.asked_at = now;
      port_.save(owed.who);
    }
  if (const auto who = roster_->listener(now))
    if (const auto i = link_of(*who);
        i != links_.end() && i->second.at == stage::up)
      send_members(i->first);
  for (const auto origin : roster_->replaced(now))
    port_.ask_seen(origin);
  dial_due(now);
}

} // namespace panal
