#include "actors/replicator_actor.hpp"

#include "logging/log.hpp"
#include "storage/key_hash.hpp"

#include <chrono>
#include <utility>

namespace panal {

namespace {

using namespace std::chrono_literals;

/// How often stalled windows are looked for and cursors are saved.
constexpr auto beat_pause = 500ms;

steady_time now() {
  return std::chrono::steady_clock::now();
}

} // namespace

void replicator_state::start(position last) {
  recent->start(last);
  for (auto& [who, to] : peers)
    pump(who, to);
}

void replicator_state::committed(const committed_batches& news) {
  for (const auto& batch : news.batches)
    recent->add(batch);
  for (auto& [who, to] : peers)
    pump(who, to);
}

void replicator_state::link_changed(const peer_link& link) {
  auto& to = peer_of(link.who.origin);
  to.who = link.who;
  to.link_id = link.link_id;
  to.remote = link.remote;
  to.out.rewind();
  to.in = inbound{to.in.next_ticket()};
  pump(link.who.origin, to);
}

void replicator_state::frame_came(const peer_frame& said) {
  auto& link = peer_of(said.peer);
  if (!link.remote || link.link_id != said.link_id)
    return; // the rest of an earlier link
  const auto content = decode_frame(said.bytes);
  if (!content) {
    log::warning("frame_refused",
                 {{"peer", link.who.name}, {"detail", content.error().detail}});
  } else if (const auto* changes = std::get_if<changes_frame>(&*content)) {
    receive(said.peer, link, *changes);
  } else if (const auto* ack = std::get_if<ack_frame>(&*content)) {
    if (link.out.acknowledge(ack->upto, now()))
      pump(said.peer, link);
    else
      log::warning("ack_refused", {{"peer", link.who.name}});
  }
}

void replicator_state::receive(origin_id from, peer& link,
                               const changes_frame& said) {
  link.in.resume(said.acknowledged);
  if (!link.in.follows(said.after))
    return; // a gap: the peer will send again what is missing
  std::vector<remote_changes_ptr> parts(shards.size());
  std::size_t count = 0;
  for (const auto& item : said.items) {
    auto& part = parts[shard_of(key_hash(item.key), shards.size())];
    if (!part) {
      part = std::make_shared<remote_changes>();
      ++count;
    }
    part->changes.push_back(
        change{0, std::string{item.key}, std::string{item.entry}, from});
  }
  const auto ticket = link.in.open(said.upto, count);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i])
      continue;
    parts[i]->peer = from;
    parts[i]->ticket = ticket;
    caf::anon_send(shards[i], std::move(parts[i]));
  }
  if (count == 0)
    merged({from, ticket, errc::ok, 0});
}

void replicator_state::merged(const remote_done& part) {
  auto& link = peer_of(part.peer);
  if (part.set_aside > 0) {
    set_aside += part.set_aside;
    log::warning("changes_set_aside",
                 {{"peer", link.who.name}, {"count", part.set_aside}});
  }
  if (part.code != errc::ok)
    link.in.failed(part.ticket);
  else if (const auto upto = link.in.done(part.ticket))
    acknowledge(link, *upto);
}

void replicator_state::acknowledge(peer& link, position upto) {
  if (link.remote)
    caf::anon_send(link.remote, frame_atom_v, link.link_id,
                   encode(ack_frame{upto}));
}

// From memory while that reaches back far enough, else from the store, one
// read at a time.
void replicator_state::pump(origin_id who, peer& to) {
  while (to.remote && !to.reading && to.out.has_room()
         && to.out.covered() < recent->last()) {
    const auto after = to.out.covered();
    if (!recent->holds_after(after)) {
      to.reading = true;
      caf::anon_send(journal, backlog_request{who,
                                              after,
                                              {config.window.frame_changes_max,
                                               config.window.frame_bytes_max}});
      return;
    }
    send(to, recent->read_after(after, config.window.frame_changes_max,
                                config.window.frame_bytes_max));
  }
}

void replicator_state::send(peer& to, const change_run& run) {
  if (auto bytes = to.out.pack(run, now()))
    caf::anon_send(to.remote, frame_atom_v, to.link_id, std::move(*bytes));
}

void replicator_state::backlog_came(const backlog& found) {
  auto& to = peer_of(found.peer);
  to.reading = false;
  if (found.code != errc::ok)
    return; // the next beat tries again
  if (to.remote && found.after == to.out.covered()) {
    change_run run{found.last, {}};
    for (const auto& what : found.changes)
      run.changes.push_back(&what);
    if (!found.changes.empty())
      run.upto = found.changes.back().at;
    send(to, run);
  }
  pump(found.peer, to);
}

void replicator_state::beat() {
  for (auto& [who, to] : peers) {
    if (to.out.is_stalled(now()))
      to.out.rewind();
    pump(who, to);
  }
  save_cursors();
  self->delayed_send(self, beat_pause, beat_atom_v);
}

// A cursor that is saved late only means that some changes are sent again.
void replicator_state::save_cursors() {
  for (auto& [who, to] : peers) {
    const auto reached = to.out.acknowledged();
    if (std::exchange(to.saved_cursor, reached) != reached)
      caf::anon_send(journal, cursor_atom_v, who, reached);
  }
}

replicator_state::peer& replicator_state::peer_of(origin_id who) {
  if (const auto i = peers.find(who); i != peers.end())
    return i->second;
  const auto saved = config.cursors.find(who);
  const auto cursor = saved == config.cursors.end() ? 0 : saved->second;
  peer fresh{outbound{who, cursor, config.window}};
  fresh.saved_cursor = cursor;
  return peers.emplace(who, std::move(fresh)).first->second;
}

caf::behavior replicator_actor(caf::stateful_actor<replicator_state>* self,
                               const replicator_config& config,
                               std::vector<caf::actor> shards,
                               caf::actor journal) {
  auto& state = self->state;
  state.self = self;
  state.config = config;
  state.shards = std::move(shards);
  state.journal = std::move(journal);
  state.recent.emplace(config.recent_bytes_max);
  self->set_default_handler(caf::drop);
  self->set_exit_handler([=](caf::exit_msg& stop) {
    self->state.save_cursors();
    self->quit(std::move(stop.reason));
  });
  self->delayed_send(self, beat_pause, beat_atom_v);
  return {
      [=](feed_atom, position last) { self->state.start(last); },
      [=](const committed_batches_ptr& news) { self->state.committed(*news); },
      [=](const peer_link& link) { self->state.link_changed(link); },
      [=](const peer_frame& said) { self->state.frame_came(said); },
      [=](const remote_done& part) { self->state.merged(part); },
      [=](const backlog_ptr& found) { self->state.backlog_came(*found); },
      [=](beat_atom) { self->state.beat(); },
  };
}

} // namespace panal
