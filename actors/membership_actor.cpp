#include "actors/membership_actor.hpp"

#include "actors/caf_link.hpp"
#include "logging/log.hpp"

#include <unistd.h>

#include <utility>

namespace panal {

namespace {

steady_time now() {
  return std::chrono::steady_clock::now();
}

/// A link that has been silent for so long gives way to a new connection of
/// the same peer: most likely the peer has lost it without our noticing.
constexpr std::chrono::milliseconds doubtful_silence{1'000};

/// Claims that are remembered; more than that are no restarts.
constexpr std::size_t claims_max = 256;

/// How long a forgotten peer is listened to: time to tell it.
constexpr std::chrono::milliseconds farewell_length{1'000};

} // namespace

membership_state::link_map::iterator membership_state::link_of(origin_id who) {
  for (auto i = links.begin(); i != links.end(); ++i)
    if (i->second.who.origin == who)
      return i;
  return links.end();
}

void membership_state::admitted(admitted_peer& who) {
  const bool dialled = !who.dialled.empty();
  if (dialled)
    roster().dial_ended(who.dialled, now());
  if (is_second_claim(who.peer, who.run))
    return;
  learn(who.peer, who.dialled);
  if (!makes_room(who.peer))
    return;
  const auto fd = who.socket.release();
  links.emplace(who.link_id, link{who.peer,
                                  who.run,
                                  link_guard{::dup(fd)},
                                  {},
                                  now(),
                                  roster().is_forgotten(who.peer.origin)});
  adopt(fd, who.link_id, dialled);
}

// A peer that was restarted is seen in a new run while its old link has not
// been missed yet. When the old one goes on speaking, there are two of it.
bool membership_state::is_second_claim(const member& who, std::uint64_t run) {
  const auto held = link_of(who.origin);
  if (held == links.end() || !held->second.remote || held->second.run == run)
    return false;
  if (claims_.size() >= claims_max)
    claims_.clear();
  const auto since =
      claims_.try_emplace({who.origin, run}, now()).first->second;
  if (now() - held->second.heard_at > doubtful_silence) {
    cut(held, "replaced");
  } else if (now() - since > own.config.copy_patience) {
    log::error("copied_identity",
               {{"peer", who.name}, {"address", who.address}});
    own.refuse_copy(who.origin, run);
  }
  return true;
}

// One link per peer. The handshake has settled who dials, so a second one
// means that the first is dying, or that two dials crossed.
bool membership_state::makes_room(const member& who) {
  if (const auto i = penalties_.find(who.origin);
      i != penalties_.end() && now() < i->second.until)
    return false;
  const auto held = link_of(who.origin);
  if (held == links.end())
    return true;
  if (now() - held->second.heard_at > doubtful_silence)
    cut(held, "replaced");
  return false; // the peer dials again in a moment, when CAF has let go
}

void membership_state::adopt(int fd, std::uint64_t link_id, bool dialled) {
  if (!dialled) {
    adopt_accepted(self->system(), fd, caf::actor{self});
    return;
  }
  adopt_dialled(
      self, fd,
      [this, link_id](const caf::actor& remote) {
        if (!links.contains(link_id))
          return;
        self->send(remote, hello_atom_v, link_id);
        greeted(link_id, remote);
      },
      [this, link_id] {
        if (const auto i = links.find(link_id); i != links.end())
          cut(i, "no handshake");
      });
}

void membership_state::greeted(std::uint64_t link_id, caf::actor remote) {
  const auto i = links.find(link_id);
  if (i == links.end() || i->second.remote)
    return;
  auto& up = i->second;
  up.remote = std::move(remote);
  up.heard_at = now();
  self->monitor(up.remote);
  send_members(up, link_id);
  if (up.farewell)
    return;
  roster().link_up(up.who.origin);
  log::info("peer_up", {{"peer", up.who.name}, {"address", up.who.address}});
  caf::anon_send(own.replicator, peer_link{up.who, up.run, link_id, up.remote});
}

void membership_state::frame_came(std::uint64_t link_id, std::string& bytes) {
  const auto i = links.find(link_id);
  if (i == links.end() || !i->second.remote)
    return;
  if (!i->second.farewell)
    i->second.heard_at = now();
  if (is_link_frame(bytes))
    members_came(i->second, bytes);
  else if (!i->second.farewell)
    caf::anon_send(own.replicator,
                   peer_frame{i->second.who.origin, link_id, std::move(bytes)});
}

void membership_state::members_came(link& from, std::string_view bytes) {
  const auto said = decode_frame(bytes);
  if (!said) {
    log::warning("frame_refused",
                 {{"peer", from.who.name}, {"detail", said.error().detail}});
    return cut(link_of(from.who.origin), "a frame that is none", true);
  }
  const auto& known = std::get<members_frame>(*said).known;
  for (const auto& who : known)
    if (who.origin == roster().self().origin && who.forgotten != 0)
      caf::anon_send(
          own.replicator,
          expulsion{false, who.forgotten, who.name != roster().self().name});
  if (!from.farewell)
    remember(roster().heard_of(known));
}

/// Saves what is new, and tells it to everybody.
void membership_state::remember(const std::vector<member>& news) {
  if (news.empty())
    return;
  for (const auto& who : news) {
    caf::anon_send(own.journal, member_atom_v, who);
    if (who.forgotten == 0)
      continue;
    log::warning("member_forgotten", {{"peer", who.name}});
    if (const auto i = link_of(who.origin); i != links.end())
      cut(i, "forgotten");
  }
  tell_replicator();
  for (const auto& [id, peer] : links)
    if (peer.remote)
      send_members(peer, id);
  dial_due();
}

void membership_state::send_members(const link& to, std::uint64_t link_id) {
  caf::anon_send(to.remote, frame_atom_v, link_id,
                 encode(members_frame{roster().all()}));
}

void membership_state::tell_replicator() {
  caf::anon_send(own.replicator, members_known{roster().all()});
}

void membership_state::introduced(const introduction& told) {
  if (!told.dialled.empty())
    roster().dial_ended(told.dialled, now());
  if (is_second_claim(told.who, told.run))
    return;
  // Whoever was forgotten is dialled back once, to be told.
  if (roster().is_forgotten(told.who.origin))
    return own.dial(told.who.address);
  learn(told.who, told.dialled);
  dial_due();
}

void membership_state::dial_failed(const failed_dial& told) {
  if (told.reason == dial_failure::self)
    roster().is_self(told.address);
  else
    roster().dial_ended(told.address, now());
}

// Of two processes with one identity the one that started later gives way: run
// identities grow with the time of their start.
void membership_state::disowned(const disowning& told) {
  if (told.why != verdict::copied)
    return;
  if (told.peer.origin == roster().self().origin && own.run < told.run)
    return;
  caf::anon_send(own.replicator, expulsion{true, 0, false});
}

void membership_state::down(const caf::actor_addr& remote) {
  for (auto i = links.begin(); i != links.end(); ++i) {
    if (i->second.remote && i->second.remote.address() == remote) {
      cut(i, "connection lost");
      return;
    }
  }
}

void membership_state::cut_wanted(const cut_request& wanted) {
  if (const auto i = links.find(wanted.link_id); i != links.end())
    cut(i, wanted.why, wanted.faulty);
}

void membership_state::cut(link_map::iterator gone, std::string_view why,
                           bool faulty) {
  if (gone == links.end())
    return;
  const auto lost = std::move(gone->second);
  links.erase(gone);
  if (!lost.remote)
    return;
  self->demonitor(lost.remote);
  if (lost.farewell)
    return;
  log::warning("peer_down", {{"peer", lost.who.name}, {"reason", why}});
  if (faulty) {
    auto [i, is_new] = penalties_.try_emplace(lost.who.origin);
    if (is_new)
      i->second.pause = {own.config.penalty_min, own.config.penalty_max};
    std::minstd_rand jitter{static_cast<unsigned>(lost.who.origin)};
    i->second.until = now() + i->second.pause.next(jitter);
  }
  roster().link_down(lost.who.origin, now(), faulty);
  caf::anon_send(own.replicator, peer_link{lost.who, lost.run, 0, {}});
}

void membership_state::learn(const member& who, const std::string& dialled) {
  if (roster().is_forgotten(who.origin))
    return;
  if (roster().introduced(who, dialled))
    remember({who});
}

void membership_state::forget_replaced() {
  for (const auto origin : roster().replaced(now()))
    self->request(own.replicator, caf::infinite, forget_atom_v, origin)
        .then([this, origin](std::uint64_t seen_hlc) {
          if (const auto gone = roster().forget(origin, seen_hlc))
            remember({*gone});
        });
}

void membership_state::forget(operation_batch& batch) {
  for (auto& item : batch.requests) {
    const auto found = roster().find_name(item->op.key);
    const bool is_self = item->op.key == roster().self().name;
    if (found && link_of(found->origin) == links.end()) {
      forget_one(*found, std::move(item), batch.home());
      continue;
    }
    item->reply.code = found || is_self ? errc::conflict : errc::not_found;
  }
  std::erase(batch.requests, nullptr);
  batch.home()->deliver(std::exchange(batch.requests, {}));
}

void membership_state::forget_one(const member& who, request_ptr asked,
                                  const reply_inbox_ptr& home) {
  // CAF copies handlers, so what is moved on has to be shared.
  auto kept = std::make_shared<request_ptr>(std::move(asked));
  self->request(own.replicator, caf::infinite, forget_atom_v, who.origin)
      .then([this, who, kept, home](std::uint64_t seen_hlc) {
        if (const auto gone = roster().forget(who.origin, seen_hlc))
          remember({*gone});
        std::vector<request_ptr> done;
        done.push_back(std::move(*kept));
        home->deliver(std::move(done));
      });
}

void membership_state::beat() {
  const auto time = now();
  for (auto i = links.begin(); i != links.end();) {
    const auto at = i++;
    const auto& peer = at->second;
    const auto limit = peer.farewell ? farewell_length
                       : peer.remote ? own.config.silence_max
                                     : own.config.greeting_max;
    if (time - peer.heard_at > limit)
      cut(at, "silent");
  }
  if (const auto who = roster().listener(time))
    if (const auto i = link_of(*who); i != links.end() && i->second.remote)
      send_members(i->second, i->first);
  forget_replaced();
  dial_due();
  self->delayed_send(self, own.config.beat, beat_atom_v);
}

void membership_state::dial_due() {
  for (const auto& address : roster().due(now()))
    own.dial(address);
}

void membership_state::cut_all() {
  while (!links.empty())
    links.erase(links.begin());
}

caf::behavior membership_actor(caf::stateful_actor<membership_state>* self,
                               std::shared_ptr<membership_setup> setup) {
  auto& state = self->state;
  state.self = self;
  state.own = std::move(*setup);
  state.tell_replicator();
  self->set_default_handler(caf::drop);
  self->set_down_handler(
      [=](const caf::down_msg& lost) { self->state.down(lost.source); });
  self->set_exit_handler([=](caf::exit_msg& stop) {
    self->state.cut_all();
    self->quit(std::move(stop.reason));
  });
  caf::anon_send(self, beat_atom_v);
  return {
      [=](const admitted_ptr& who) { self->state.admitted(*who); },
      [=](const introduction& told) { self->state.introduced(told); },
      [=](const failed_dial& told) { self->state.dial_failed(told); },
      [=](const disowning& told) { self->state.disowned(told); },
      [=](const cut_request& wanted) { self->state.cut_wanted(wanted); },
      [=](const operation_batch_ptr& batch) { self->state.forget(*batch); },
      [=](hello_atom, std::uint64_t link_id) {
        self->state.greeted(
            link_id, caf::actor_cast<caf::actor>(self->current_sender()));
      },
      [=](frame_atom, std::uint64_t link_id, std::string& bytes) {
        self->state.frame_came(link_id, bytes);
      },
      [=](beat_atom) { self->state.beat(); },
  };
}

} // namespace panal
