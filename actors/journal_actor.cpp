#include "actors/journal_actor.hpp"

#include "storage/origin.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

namespace panal {

namespace {

using namespace std::chrono_literals;

/// How long folding waits after a commit, and after it found the journal busy;
/// and the room that it leaves between two steps for what has come meanwhile.
constexpr std::chrono::milliseconds fold_pause = 20ms;
constexpr std::chrono::milliseconds fold_step_pause = 1ms;
/// Writes that are issued anew at a time.
constexpr read_limits reissues_at_once{1'024, std::size_t{1} << 20};
/// Before a rejoin that the disk refused is tried again.
constexpr auto rebirth_pause = 1s;
/// Between two looks at the disk: a directory that is gone is to be noticed
/// within a second.
constexpr auto look_pause = 250ms;

steady_time now() {
  return std::chrono::steady_clock::now();
}

} // namespace

journal_state::~journal_state() {
  if (!care || reborn)
    return;
  if (log().has_queued())
    care->commit(now());
  care->settle(now());
}

void journal_state::add(queued_batch batch) {
  if (reborn)
    return;
  log().add(std::move(batch));
  if (log().is_commit_due())
    commit();
  else
    commit_soon();
}

// Queues up behind every batch that is in the mailbox already.
void journal_state::commit_soon() {
  if (log().has_queued() && !std::exchange(commit_is_due, true))
    caf::anon_send(self, commit_atom_v);
}

void journal_state::mark(std::size_t shard, std::uint64_t epoch,
                         std::uint64_t hlc) {
  log().add_mark(shard, epoch, hlc);
  commit_soon();
}

void journal_state::commit() {
  if (!log().has_queued() || reborn)
    return;
  auto report = care->commit(now());
  tell_shards(report);
  log_troubles();
  if (report.code != errc::ok)
    return;
  if (replicator && !report.batches.empty()) {
    auto news = std::make_shared<committed_batches>();
    for (auto& [batch, epoch] : report.batches)
      news->batches.push_back(std::move(batch));
    caf::anon_send(replicator, std::move(news));
  }
  if (replicator && report.marked_hlc != 0)
    caf::anon_send(replicator, mark_atom_v, report.marked_hlc,
                   log().disk().last_position());
  if (log().disk().journal_rows() > 0)
    arrange_fold(fold_pause);
}

void journal_state::tell_shards(const commit_report& report) {
  std::map<std::size_t, commit_note_ptr> notes;
  for (const auto& [batch, epoch] : report.batches) {
    auto& note = notes[batch->shard];
    if (!note)
      note = std::make_shared<commit_note>();
    note->code = report.code;
    note->epoch = epoch;
    note->batches.push_back(batch);
  }
  for (auto& [shard, note] : notes)
    caf::anon_send(shards.at(shard), std::move(note));
}

void journal_state::fold() {
  fold_is_due = false;
  if (reborn)
    return;
  const auto found = care->fold(now());
  log_troubles();
  tell_damage();
  if (found != journal::fold_result::rests)
    arrange_fold(std::max(
        care->fold_pause(),
        found == journal::fold_result::goes_on ? fold_step_pause : fold_pause));
}

// Memory holds what the rows held: the shards store it anew.
void journal_state::tell_damage() {
  auto rows = log().disk().take_damage();
  if (rows.empty())
    return;
  for (const auto& row : rows)
    said_.say({"row_damaged",
               {errc::corrupt, std::string{to_string(row.what)} + " at "
                                   + std::to_string(row.at)}},
              now());
  const auto found =
      std::make_shared<const damage_found>(damage_found{std::move(rows)});
  for (const auto& shard : shards)
    caf::anon_send(shard, damage_found_ptr{found});
}

void journal_state::arrange_fold(std::chrono::milliseconds pause) {
  if (std::exchange(fold_is_due, true))
    return;
  self->delayed_send(self, pause, fold_atom_v);
}

void journal_state::read(const backlog_request& wanted) {
  auto reply = std::make_shared<backlog>();
  reply->peer = wanted.peer;
  reply->after = wanted.after;
  reply->last = log().disk().last_position();
  if (auto found = care->read_after(wanted.peer, wanted.after, wanted.limits))
    reply->changes = std::move(*found);
  else
    reply->code = found.error().code;
  log_troubles();
  tell_damage();
  caf::anon_send(replicator, std::move(reply));
}

void journal_state::log_troubles() {
  for (const auto& what : care->take_troubles())
    said_.say(what, now());
}

template <class... What>
void journal_state::owe(What&&... what) {
  if (reborn)
    return;
  log().owed().owe(std::forward<What>(what)...);
  tell(care->settle(now()));
}

void journal_state::save(const member& who) {
  membership = caf::actor_cast<caf::actor>(self->current_sender());
  owe(who);
}

void journal_state::tell(const saved_notes& saved) {
  log_troubles();
  if (membership)
    for (const auto& who : saved.members)
      self->send(membership, member_atom_v, who);
  if (!replicator)
    return;
  for (const auto& [which, value] : saved.facts)
    caf::anon_send(replicator, fact_atom_v, static_cast<std::uint8_t>(which),
                   value);
  if (saved.run)
    caf::anon_send(replicator, fact_atom_v);
}

void journal_state::tick() {
  if (reborn)
    return;
  tell(care->tick(now()));
  self->delayed_send(self, look_pause, beat_atom_v);
}

void journal_state::save(const identity_note& note) {
  if (reborn)
    return;
  const auto done =
      log().disk().save_facts({{fact::cluster_born, note.who.born},
                               {fact::cluster_id, note.who.id},
                               {fact::founder, note.founder ? 1U : 0U}});
  if (!done)
    said_.say({"save_failed", done.error()}, now()); // it is asked for again
  else if (replicator)
    caf::anon_send(replicator, note);
}

void journal_state::read_reissues(std::uint64_t restamp_upto,
                                  const std::string& after) {
  auto found = log().disk().reissues(after, reissues_at_once);
  auto batch = std::make_shared<reissue_batch>();
  batch->restamp_upto = restamp_upto;
  if (found) {
    batch->writes = std::move(*found);
  } else {
    batch->code = found.error().code;
    said_.say({"read_failed", found.error()}, now());
  }
  caf::anon_send(replicator, std::move(batch));
}

void journal_state::remove_reissues(const std::vector<std::string>& keys) {
  if (reborn)
    return;
  for (const auto& key : keys)
    log().owed().owe_removal(key);
  tell(care->settle(now()));
}

// A member that is owed would be forgotten with the old identity.
result<void> journal_state::begin_anew(const rejoin_plan& plan) {
  const auto fresh = draw_origin(own.self.name);
  if (!fresh)
    return fresh.error();
  if (auto kept = log().owed().settle_members(log().disk()); !kept)
    return kept;
  return rejoin(log().disk(), plan, *fresh, own.self);
}

// What is queued goes with the old identity: its writers have not been
// answered.
void journal_state::rebirth(const rejoin_plan& plan) {
  if (reborn)
    return;
  if (const auto done = begin_anew(plan); !done) {
    said_.say({"rejoin_failed", done.error()}, now());
    self->delayed_send(self, rebirth_pause, rebirth_atom_v, plan);
    return;
  }
  reborn = true;
  log().owed().clear();
  own.on_rebirth();
}

caf::behavior journal_actor(caf::stateful_actor<journal_state>* self,
                            journal_setup own) {
  auto& state = self->state;
  state.self = self;
  state.own = std::move(own);
  state.care.emplace(*state.own.log, *state.own.conditions);
  self->set_default_handler(caf::drop);
  return {
      [=](queued_batch& batch) { self->state.add(std::move(batch)); },
      [=](commit_atom) {
        self->state.commit_is_due = false;
        self->state.commit();
      },
      [=](fold_atom) { self->state.fold(); },
      [=](const backlog_request& wanted) { self->state.read(wanted); },
      [=](mark_atom, std::size_t shard, std::uint64_t epoch,
          std::uint64_t hlc) { self->state.mark(shard, epoch, hlc); },
      [=](cursor_atom, origin_id peer, position acknowledged,
          const run_record& met) { self->state.owe(peer, acknowledged, met); },
      [=](member_atom, const member& who) { self->state.save(who); },
      [=](fact_atom, std::uint8_t which, std::uint64_t value) {
        self->state.owe(static_cast<fact>(which), value);
      },
      [=](fact_atom, const run_record& run, origin_id peer) {
        self->state.owe(run, peer);
      },
      [=](beat_atom) { self->state.tick(); },
      [=](const identity_note& note) { self->state.save(note); },
      [=](reissue_atom, std::uint64_t restamp_upto, const std::string& after) {
        self->state.read_reissues(restamp_upto, after);
      },
      [=](reissue_atom, const std::vector<std::string>& keys) {
        self->state.remove_reissues(keys);
      },
      [=](rebirth_atom, const rejoin_plan& plan) { self->state.rebirth(plan); },
      [=](feed_atom, std::vector<caf::actor>& shards) {
        self->state.shards = std::move(shards);
      },
      [=](feed_atom, const caf::actor& replicator) {
        self->state.replicator = replicator;
        caf::anon_send(replicator, feed_atom_v,
                       self->state.log().disk().last_position());
        if (!self->state.log().owed().owes_own_run())
          caf::anon_send(replicator, fact_atom_v);
      },
  };
}

} // namespace panal
