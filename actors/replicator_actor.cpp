#include "actors/replicator_actor.hpp"

#include "logging/log.hpp"

#include <chrono>
#include <utility>

namespace panal {

namespace {

/// About five seconds: then it is worth an operator's look.
constexpr unsigned beats_alone_max = 20;

void deliver(quorum_wait& wait) {
  std::vector<request_ptr> done;
  done.push_back(std::move(wait.what));
  deliver_all(std::move(done));
}

} // namespace

/// A write that still waits is answered for what it has reached.
replicator_state::~replicator_state() {
  for (auto& [ticket, wait] : waits)
    deliver(wait);
}

moment replicator_state::now() const {
  return {std::chrono::steady_clock::now(), setup.wall_clock->now()};
}

void replicator_state::link_changed(const peer_link& changed) {
  const auto origin = changed.who.origin;
  if (!changed.remote) {
    links.erase(origin);
    core->link_down(origin, now());
    return;
  }
  links[origin] = {changed.link_id, changed.remote};
  core->link_up(changed.who, changed.run, now());
}

void replicator_state::frame_came(const peer_frame& said) {
  const auto i = links.find(said.peer);
  if (i == links.end() || i->second.id != said.link_id)
    return; // the rest of an earlier link
  core->frame_came(said.peer, said.bytes, now());
}

void replicator_state::merged(const remote_done& part) {
  if (part.set_aside > 0)
    log::warning("changes_set_aside", {{"count", part.set_aside}});
  core->merged(part, now());
}

void replicator_state::listing_came(leaf_listing& part) {
  const auto token = part.token;
  if (auto whole = rounds->listed(std::move(part)))
    core->listed(token, std::move(*whole), now());
}

void replicator_state::difference_came(leaf_difference& part) {
  if (auto whole = rounds->compared(std::move(part)))
    core->compared(whole->token, std::move(whole->entries), whole->more, now());
}

void replicator_state::reissues_came(reissue_batch& all) {
  // What cannot be read is not known to be nothing.
  if (all.code != errc::ok)
    return core->reissued({0, 0, true, false, {}});
  if (all.writes.empty())
    return core->reissued({0, 0, false, true, {}});
  last_reissue = all.writes.back().key;
  rounds->reissue_all(std::move(all.writes), all.restamp_upto);
}

void replicator_state::reissue_done(const reissue_report& part) {
  caf::anon_send(setup.journal, reissue_atom_v, part.keys);
  const auto whole = rounds->reissued(part);
  if (!whole)
    return;
  log::warning("writes_reissued",
               {{"issued", whole->issued}, {"refused", whole->refused}});
  core->reissued(
      {whole->issued, whole->refused, whole->left, false, last_reissue});
}

void replicator_state::await(quorum_wait& wait) {
  const auto ticket = ++next_wait;
  const auto at = wait.at;
  const auto wanted = wait.wanted;
  const auto deadline = now().steady + setup.quorum_patience;
  waits.emplace(ticket, std::move(wait));
  core->await(ticket, at, wanted, deadline, now());
}

void replicator_state::answer(std::uint64_t ticket, std::size_t members_reached,
                              bool in_time) {
  const auto i = waits.find(ticket);
  if (i == waits.end())
    return;
  auto& reply = i->second.what->reply;
  const auto members = core->members();
  reply.members = static_cast<std::uint32_t>(members);
  reply.members_reached = static_cast<std::uint32_t>(members_reached);
  if (in_time)
    reply.reached = i->second.wanted;
  else if (members_reached >= members / 2 + 1)
    reply.reached = write_level::quorum;
  deliver(i->second);
  waits.erase(i);
}

void replicator_state::answer_questions(operation_batch& batch) {
  auto report = std::make_shared<cluster_report>(core->report(now()));
  if (setup.counts != nullptr) {
    report->keys = setup.counts->keys();
    report->tombstones = setup.counts->tombstones();
    report->cleared = setup.counts->cleared();
  }
  std::vector<request_ptr> done;
  auto to_membership = std::make_shared<operation_batch>(batch.home());
  for (auto& item : batch.requests) {
    if (item->op.what == verb::forget && membership) {
      to_membership->requests.push_back(std::move(item));
      continue;
    }
    if (item->op.what == verb::forget)
      item->reply.code =
          item->op.key == report->node ? errc::conflict : errc::not_found;
    item->reply.report = report;
    done.push_back(std::move(item));
  }
  batch.requests.clear();
  batch.home()->deliver(std::move(done));
  if (!to_membership->requests.empty())
    caf::anon_send(membership, std::move(to_membership));
}

// Whoever starts reaches nobody at first.
void replicator_state::state_conditions() {
  if (setup.conditions == nullptr || !setup.has_seeds)
    return;
  beats_alone = core->is_alone() ? beats_alone + 1 : 0;
  if (beats_alone == 0)
    setup.conditions->clear(condition::provisional);
  else if (beats_alone == beats_alone_max
           && setup.conditions->set(condition::provisional))
    log::warning("provisional");
}

void replicator_state::beat() {
  const auto before = core->clock();
  rounds->tick(now().steady);
  core->tick(now());
  if (core->clock() != before)
    log::warning("clock", {{"state", to_string(core->clock())},
                           {"from_median_ms", core->clock_distance_ms()}});
  state_conditions();
  self->delayed_send(self, setup.config.heartbeat_pause, beat_atom_v);
}

void replicator_state::send(origin_id peer, std::string bytes) {
  if (const auto i = links.find(peer); i != links.end())
    caf::anon_send(i->second.remote, frame_atom_v, i->second.id,
                   std::move(bytes));
}

void replicator_state::cut(origin_id peer, std::string_view why, bool faulty) {
  if (const auto i = links.find(peer); i != links.end())
    caf::anon_send(membership,
                   cut_request{i->second.id, std::string{why}, faulty});
}

void replicator_state::merge(std::size_t shard, remote_changes part) {
  caf::anon_send(setup.shards[shard],
                 std::make_shared<remote_changes>(std::move(part)));
}

void replicator_state::read_backlog(const backlog_request& wanted) {
  caf::anon_send(setup.journal, wanted);
}

void replicator_state::save_cursor(origin_id peer, position acknowledged,
                                   const run_record& met) {
  caf::anon_send(setup.journal, cursor_atom_v, peer, acknowledged, met);
}

void replicator_state::save_fact(fact which, std::uint64_t value) {
  caf::anon_send(setup.journal, fact_atom_v, static_cast<std::uint8_t>(which),
                 value);
}

void replicator_state::add_run(const run_record& run, origin_id peer) {
  caf::anon_send(setup.journal, fact_atom_v, run, peer);
}

void replicator_state::mark(std::uint64_t hlc) {
  for (const auto& shard : setup.shards)
    caf::anon_send(shard, mark_atom_v, hlc);
}

void replicator_state::set_line(std::uint64_t line,
                                std::uint64_t collect_upto) {
  for (const auto& shard : setup.shards)
    caf::anon_send(shard, line_atom_v, line, collect_upto);
}

void replicator_state::list(std::uint64_t token,
                            std::vector<std::uint32_t> leaves) {
  rounds->list(token, std::move(leaves), now().steady);
}

void replicator_state::compare(leaf_comparison with) {
  rounds->compare(std::move(with), now().steady);
}

void replicator_state::reconcile(repair_changes with) {
  rounds->reconcile(std::move(with));
}

void replicator_state::list(std::size_t shard,
                            std::shared_ptr<const leaf_query> what) {
  caf::anon_send(setup.shards[shard], std::move(what));
}

void replicator_state::compare(std::size_t shard,
                               std::shared_ptr<const leaf_comparison> what) {
  caf::anon_send(setup.shards[shard], std::move(what));
}

void replicator_state::reconcile(std::size_t shard, repair_changes part) {
  caf::anon_send(setup.shards[shard],
                 std::make_shared<repair_changes>(std::move(part)));
}

void replicator_state::reissue_in(std::size_t shard, std::vector<reissue> part,
                                  std::uint64_t restamp_upto) {
  caf::anon_send(setup.shards[shard],
                 std::make_shared<reissue_batch>(
                     reissue_batch{std::move(part), restamp_upto, errc::ok}));
}

void replicator_state::reissue_some(std::uint64_t restamp_upto,
                                    const std::string& after) {
  caf::anon_send(setup.journal, reissue_atom_v, restamp_upto, after);
}

void replicator_state::save_identity(const cluster_identity& who,
                                     bool founder) {
  caf::anon_send(setup.journal, identity_note{who, founder});
}

void replicator_state::identity_saved(const identity_note& note) {
  log::info("cluster_joined",
            {{"identity", to_string(note.who)}, {"founder", note.founder}});
  core->identity_saved(note.who, note.founder);
}

void replicator_state::note_stranger(origin_id peer,
                                     const cluster_identity& own,
                                     const cluster_identity& theirs,
                                     bool gives_way) {
  log::warning("another_cluster",
               {{"peer", core->name_of(peer)},
                {"own_identity", to_string(own)},
                {"their_identity", to_string(theirs)},
                {"gives_way", gives_way ? "this node" : "the peer"}});
}

void replicator_state::note_lie(origin_id peer, std::uint64_t line,
                                std::uint64_t mark) {
  log::warning("line_above_mark", {{"peer", core->name_of(peer)},
                                   {"their_line", line},
                                   {"own_mark", mark}});
}

void replicator_state::rejoin(const rejoin_plan& plan) {
  log::warning("rejoining", {{"reason", plan.reason},
                             {"identity", to_string(plan.identity)}});
  caf::anon_send(setup.journal, rebirth_atom_v, plan);
}

caf::behavior replicator_actor(caf::stateful_actor<replicator_state>* self,
                               std::shared_ptr<replicator_setup> setup) {
  auto& state = self->state;
  state.self = self;
  state.setup = std::move(*setup);
  auto& own = state.setup;
  state.core =
      std::make_unique<replica>(own.config, std::move(own.memory), state,
                                *own.stamps, *own.gate, *own.digests);
  state.rounds = std::make_unique<shard_rounds>(own.shards.size(), state);
  self->set_default_handler(caf::drop);
  self->set_exit_handler([=](caf::exit_msg& stop) {
    self->state.core->save_cursors();
    self->quit(std::move(stop.reason));
  });
  return {
      [=](feed_atom, position last) { self->state.core->start(last); },
      [=](feed_atom, const caf::actor& membership) {
        self->state.membership = membership;
        self->state.beat();
      },
      [=](const members_known& all) {
        self->state.core->members_changed(all.members);
      },
      [=](const committed_batches_ptr& news) {
        self->state.core->committed(news->batches, self->state.now());
      },
      [=](const peer_link& link) { self->state.link_changed(link); },
      [=](const peer_frame& said) { self->state.frame_came(said); },
      [=](const remote_done& part) { self->state.merged(part); },
      [=](const backlog_ptr& found) {
        self->state.core->backlog_came(*found, self->state.now());
      },
      [=](mark_atom, std::uint64_t hlc, position at) {
        self->state.core->marked(hlc, at, self->state.now());
      },
      [=](fact_atom, std::uint8_t which, std::uint64_t value) {
        self->state.core->saved(static_cast<fact>(which), value);
      },
      [=](fact_atom) { self->state.core->run_saved(); },
      [=](const leaf_listing_ptr& part) { self->state.listing_came(*part); },
      [=](const leaf_difference_ptr& part) {
        self->state.difference_came(*part);
      },
      [=](const identity_note& note) { self->state.identity_saved(note); },
      [=](const reissue_batch_ptr& all) { self->state.reissues_came(*all); },
      [=](const reissue_report_ptr& part) { self->state.reissue_done(*part); },
      [=](const quorum_wait_ptr& wait) { self->state.await(*wait); },
      [=](const operation_batch_ptr& batch) {
        self->state.answer_questions(*batch);
      },
      [=](const expulsion& told) {
        if (told.copied)
          self->state.core->is_copy();
        else
          self->state.core->was_forgotten(told.seen_hlc, told.by_another_name);
      },
      [=](forget_atom, origin_id who) {
        return self->state.core->seen_of(who);
      },
      [=](line_atom, std::uint64_t wanted) {
        self->state.core->want_line(wanted);
      },
      [=](beat_atom) { self->state.beat(); },
  };
}

} // namespace panal
