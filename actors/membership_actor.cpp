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

} // namespace

void membership_state::admitted(admitted_peer& who) {
  wires.insert_or_assign(
      who.link_id,
      wire{std::move(who.socket), link_guard{-1}, {}, who.received, 0});
  book->admitted(who.link_id, {who.peer, who.run, who.dialled}, now());
}

void membership_state::adopt(std::uint64_t link_id, bool dialled) {
  auto& carrier = wires.at(link_id);
  const auto fd = carrier.socket.release();
  carrier.guard = link_guard{::dup(fd)};
  if (!dialled)
    return adopt_accepted(self->system(), fd, caf::actor{self});
  adopt_dialled(
      self, fd,
      [this, link_id](const caf::actor& remote) {
        if (!wires.contains(link_id))
          return;
        self->send(remote, hello_atom_v, link_id);
        greeted(link_id, remote);
      },
      [this, link_id] { book->cut(link_id, "no handshake", false, now()); });
}

void membership_state::greeted(std::uint64_t link_id, caf::actor remote) {
  const auto i = wires.find(link_id);
  if (i == wires.end() || i->second.remote)
    return;
  i->second.remote = std::move(remote);
  self->monitor(i->second.remote);
  book->greeted(link_id, now());
}

void membership_state::frame_came(std::uint64_t link_id, std::string& bytes) {
  if (const auto peer = book->frame_came(link_id, bytes, now()))
    caf::anon_send(own.replicator,
                   peer_frame{*peer, link_id, std::move(bytes)});
}

void membership_state::down(const caf::actor_addr& remote) {
  for (const auto& [link_id, carrier] : wires)
    if (carrier.remote && carrier.remote.address() == remote)
      return book->cut(link_id, "connection lost", false, now());
}

void membership_state::close(std::uint64_t link_id) {
  const auto i = wires.find(link_id);
  if (i == wires.end())
    return;
  if (i->second.remote)
    self->demonitor(i->second.remote);
  wires.erase(i);
}

void membership_state::send(std::uint64_t link_id, std::string bytes) {
  if (const auto i = wires.find(link_id); i != wires.end())
    caf::anon_send(i->second.remote, frame_atom_v, link_id, std::move(bytes));
}

void membership_state::save(const member& who) {
  self->send(own.journal, member_atom_v, who);
}

void membership_state::ask_seen(origin_id who) {
  self->request(own.replicator, caf::infinite, forget_atom_v, who)
      .then([this, who](std::uint64_t seen_hlc) {
        book->forget(who, seen_hlc, now());
        answer_forgets(who);
      });
}

void membership_state::tell_members(std::vector<member> all) {
  caf::anon_send(own.replicator, members_known{std::move(all)});
}

void membership_state::tell_up(const member& who, std::uint64_t run,
                               std::uint64_t link_id) {
  caf::anon_send(own.replicator,
                 peer_link{who, run, link_id, wires.at(link_id).remote});
}

void membership_state::tell_down(const member& who) {
  caf::anon_send(own.replicator, peer_link{who, 0, 0, {}});
}

void membership_state::tell_copied() {
  caf::anon_send(own.replicator, expulsion{true, 0, false});
}

void membership_state::tell_forgotten(std::uint64_t seen_hlc,
                                      bool by_another_name) {
  caf::anon_send(own.replicator, expulsion{false, seen_hlc, by_another_name});
}

void membership_state::note(link_event what, const member& who,
                            std::string_view detail) {
  switch (what) {
  case link_event::up:
    return log::info("peer_up", {{"peer", who.name}, {"address", who.address}});
  case link_event::down:
    return log::warning("peer_down", {{"peer", who.name}, {"reason", detail}});
  case link_event::refused_frame:
    return log::warning("frame_refused",
                        {{"peer", who.name}, {"detail", detail}});
  case link_event::copied:
    return log::error("copied_identity",
                      {{"peer", who.name}, {"address", who.address}});
  case link_event::forgotten:
    return log::warning("member_forgotten", {{"peer", who.name}});
  }
}

void membership_state::forget(operation_batch& batch) {
  for (auto& item : batch.requests) {
    const auto found = book->may_forget(item->op.key);
    if (!found) {
      item->reply.code = found.error().code;
      continue;
    }
    auto waiting = std::make_shared<operation_batch>(batch.home());
    waiting->requests.push_back(std::move(item));
    forgetting.emplace(*found, std::move(waiting));
    ask_seen(*found);
  }
  std::erase(batch.requests, nullptr);
  batch.home()->deliver(std::exchange(batch.requests, {}));
}

void membership_state::saved(const member& who) {
  book->saved(who, now());
  answer_forgets(who.origin);
}

void membership_state::answer_forgets(origin_id who) {
  if (!book->roster().is_forgotten(who) || !book->is_saved(who))
    return;
  const auto [first, last] = forgetting.equal_range(who);
  for (auto i = first; i != last; ++i)
    i->second->home()->deliver(std::exchange(i->second->requests, {}));
  forgetting.erase(first, last);
}

// Of a large message nothing is heard here until the whole of it has come, but
// its bytes are signs of life.
void membership_state::look_for_bytes() {
  for (auto& [link_id, carrier] : wires) {
    const auto received = carrier.received->load(std::memory_order_relaxed);
    if (std::exchange(carrier.heard, received) != received)
      book->heard(link_id, now());
  }
}

void membership_state::beat() {
  look_for_bytes();
  book->beat(now());
  self->delayed_send(self, own.beat, beat_atom_v);
}

caf::behavior membership_actor(caf::stateful_actor<membership_state>* self,
                               std::shared_ptr<membership_setup> setup) {
  auto& state = self->state;
  state.self = self;
  state.own = std::move(*setup);
  state.book = std::make_unique<link_book>(
      state.own.config, std::move(state.own.roster), state.own.run, state);
  state.book->start();
  self->set_default_handler(caf::drop);
  self->set_down_handler(
      [=](const caf::down_msg& lost) { self->state.down(lost.source); });
  self->set_exit_handler([=](caf::exit_msg& stop) {
    self->state.wires.clear();
    self->quit(std::move(stop.reason));
  });
  caf::anon_send(self, beat_atom_v);
  return {
      [=](const admitted_ptr& who) { self->state.admitted(*who); },
      [=](const introduction& told) {
        self->state.book->introduced({told.who, told.run, told.dialled}, now());
      },
      [=](const failed_dial& told) {
        self->state.book->dial_failed(told.address,
                                      told.reason == dial_failure::self, now());
      },
      [=](const disowning& told) {
        if (told.why == verdict::copied)
          self->state.book->called_copy(told.peer, told.run);
      },
      [=](const cut_request& wanted) {
        self->state.book->cut(wanted.link_id, wanted.why, wanted.faulty, now());
      },
      [=](const operation_batch_ptr& batch) { self->state.forget(*batch); },
      [=](member_atom, const member& who) { self->state.saved(who); },
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
