#include "actors/membership_actor.hpp"

#include "actors/caf_link.hpp"
#include "logging/log.hpp"

#include <sys/socket.h>
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

} // namespace

link_guard::link_guard(link_guard&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)} {
  // nop
}

link_guard& link_guard::operator=(link_guard&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

link_guard::~link_guard() {
  if (fd_ < 0)
    return;
  ::shutdown(fd_, SHUT_RDWR);
  ::close(fd_);
}

void membership_state::admitted(admitted_peer& who) {
  learn(who.peer, who.dialled);
  const bool dialled = !who.dialled.empty();
  if (dialled)
    roster->dial_ended(who.dialled, now());
  if (!makes_room(who.peer))
    return;
  const auto fd = who.socket.release();
  links.emplace(who.link_id, link{who.peer, link_guard{::dup(fd)}, {}, now()});
  adopt(fd, who.link_id, dialled);
}

// One link per peer. The handshake has settled who dials, so a second one
// means that the first is dying, or that two dials crossed.
bool membership_state::makes_room(const member& who) {
  for (auto i = links.begin(); i != links.end(); ++i) {
    if (i->second.who.origin != who.origin)
      continue;
    if (now() - i->second.heard_at > doubtful_silence)
      cut(i, "replaced");
    return false; // the peer dials again in a moment, when CAF has let go
  }
  return true;
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
  roster->link_up(up.who.origin);
  log::info("peer_up", {{"peer", up.who.name}, {"address", up.who.address}});
  caf::anon_send(replicator, peer_link{up.who, link_id, up.remote});
  caf::anon_send(up.remote, frame_atom_v, link_id,
                 encode(members_frame{roster->all()}));
}

void membership_state::frame_came(std::uint64_t link_id, std::string& bytes) {
  const auto i = links.find(link_id);
  if (i == links.end() || !i->second.remote)
    return;
  i->second.heard_at = now();
  if (!is_link_frame(bytes)) {
    caf::anon_send(replicator,
                   peer_frame{i->second.who.origin, link_id, std::move(bytes)});
    return;
  }
  const auto said = decode_frame(bytes);
  if (!said) {
    log::warning("frame_refused", {{"peer", i->second.who.name},
                                   {"detail", said.error().detail}});
    return;
  }
  const auto* members = std::get_if<members_frame>(&*said);
  if (members == nullptr)
    return; // a heartbeat has said all by coming
  const auto news = roster->heard_of(members->known);
  for (const auto& who : news)
    caf::anon_send(journal, member_atom_v, who);
  if (!news.empty()) {
    tell_all_members();
    dial_due();
  }
}

void membership_state::introduced(const introduction& told) {
  if (!told.dialled.empty())
    roster->dial_ended(told.dialled, now());
  learn(told.who, told.dialled);
  dial_due();
}

void membership_state::dial_failed(const failed_dial& told) {
  if (told.reason == dial_failure::self)
    roster->is_self(told.address);
  else
    roster->dial_ended(told.address, now());
}

void membership_state::down(const caf::actor_addr& remote) {
  for (auto i = links.begin(); i != links.end(); ++i) {
    if (i->second.remote && i->second.remote.address() == remote) {
      cut(i, "connection lost");
      return;
    }
  }
}

void membership_state::cut(link_map::iterator gone, std::string_view why) {
  const auto lost = std::move(gone->second);
  links.erase(gone);
  if (!lost.remote)
    return;
  log::warning("peer_down", {{"peer", lost.who.name}, {"reason", why}});
  self->demonitor(lost.remote);
  roster->link_down(lost.who.origin, now());
  caf::anon_send(replicator, peer_link{lost.who, 0, {}});
}

void membership_state::learn(const member& who, const std::string& dialled) {
  if (!roster->introduced(who, dialled))
    return;
  caf::anon_send(journal, member_atom_v, who);
  tell_all_members();
}

void membership_state::tell_all_members() {
  const auto bytes = encode(members_frame{roster->all()});
  for (const auto& [id, peer] : links)
    if (peer.remote)
      caf::anon_send(peer.remote, frame_atom_v, id, bytes);
}

void membership_state::beat() {
  const auto time = now();
  const auto bytes = encode(heartbeat_frame{wall_clock(), 0});
  for (auto i = links.begin(); i != links.end();) {
    const auto at = i++;
    const auto& peer = at->second;
    const auto limit = peer.remote ? config.silence_max : config.greeting_max;
    if (time - peer.heard_at > limit)
      cut(at, "silent");
    else if (peer.remote)
      caf::anon_send(peer.remote, frame_atom_v, at->first, bytes);
  }
  dial_due();
  self->delayed_send(self, config.beat, beat_atom_v);
}

void membership_state::dial_due() {
  for (const auto& address : roster->due(now()))
    dial(address);
}

void membership_state::cut_all() {
  while (!links.empty())
    links.erase(links.begin());
}

caf::behavior membership_actor(caf::stateful_actor<membership_state>* self,
                               std::shared_ptr<membership_setup> setup) {
  auto& state = self->state;
  state.self = self;
  state.config = setup->config;
  state.roster = std::move(setup->roster);
  state.dial = std::move(setup->dial);
  state.wall_clock = std::move(setup->wall_clock);
  state.replicator = std::move(setup->replicator);
  state.journal = std::move(setup->journal);
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
