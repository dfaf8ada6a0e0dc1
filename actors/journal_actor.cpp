#include "actors/journal_actor.hpp"

#include "logging/log.hpp"
#include "storage/origin.hpp"

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
/// Before a rejoin that the disk refused is tried again.
constexpr auto rebirth_pause = 1s;

} // namespace

journal_state::~journal_state() {
  if (log && log->has_queued() && !reborn)
    log->commit();
}

void journal_state::add(queued_batch batch) {
  if (reborn)
    return;
  log->add(std::move(batch));
  if (log->is_commit_due())
    commit();
  else
    commit_soon();
}

// Queues up behind every batch that is in the mailbox already.
void journal_state::commit_soon() {
  if (log->has_queued() && !std::exchange(commit_is_due, true))
    caf::anon_send(self, commit_atom_v);
}

void journal_state::mark(std::size_t shard, std::uint64_t epoch,
                         std::uint64_t hlc) {
  log->add_mark(shard, epoch, hlc);
  commit_soon();
}

void journal_state::commit() {
  if (!log->has_queued() || reborn)
    return;
  auto report = log->commit();
  tell_shards(report);
  if (report.code != errc::ok) {
    panal::log::error("commit_failed", {{"code", to_string(report.code)},
                                        {"detail", report.detail}});
    return;
  }
  if (replicator && !report.batches.empty()) {
    auto news = std::make_shared<committed_batches>();
    for (auto& [batch, epoch] : report.batches)
      news->batches.push_back(std::move(batch));
    caf::anon_send(replicator, std::move(news));
  }
  if (replicator && report.marked_hlc != 0)
    caf::anon_send(replicator, mark_atom_v, report.marked_hlc,
                   log->disk().last_position());
  if (log->disk().journal_rows() > 0)
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
  const auto found = log->fold();
  if (found != journal::fold_result::rests)
    arrange_fold(found == journal::fold_result::goes_on ? fold_step_pause
                                                        : fold_pause);
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
  reply->last = log->disk().last_position();
  if (auto found = log->disk().read_after(wanted.after, wanted.limits))
    reply->changes = std::move(*found);
  else
    reply->code = found.error().code;
  caf::anon_send(replicator, std::move(reply));
}

void journal_state::warn(const char* what, const result<void>& done) {
  if (!done)
    panal::log::error(what, {{"code", to_string(done.error().code)},
                             {"detail", done.error().detail}});
}

template <class Saving>
bool journal_state::note(Saving saving) {
  if (reborn)
    return false;
  const result<void> done = saving(log->disk());
  warn("save_failed", done);
  return bool{done};
}

void journal_state::save(const member& who) {
  const auto asking = caf::actor_cast<caf::actor>(self->current_sender());
  if (note([&](store& disk) { return disk.save_member(who); }) && asking)
    self->send(asking, member_atom_v, who);
}

void journal_state::save(fact which, std::uint64_t value) {
  if (reborn)
    return;
  const auto done = log->disk().save_fact(which, value);
  warn("save_failed", done);
  if (done && replicator)
    caf::anon_send(replicator, fact_atom_v, static_cast<std::uint8_t>(which),
                   value);
}

void journal_state::read_reissues() {
  auto found = log->disk().reissues();
  auto batch = std::make_shared<reissue_batch>();
  if (found)
    batch->writes = std::move(*found);
  else
    warn("read_failed", found.error());
  caf::anon_send(replicator, std::move(batch));
}

void journal_state::remove_reissues(const std::vector<std::string>& keys) {
  for (const auto& key : keys)
    warn("save_failed", log->disk().remove_reissue(key));
}

// What is queued goes with the old identity: its writers have not been
// answered.
void journal_state::rebirth(const rejoin_plan& plan) {
  if (reborn)
    return;
  const auto fresh = draw_origin(self_member.name);
  const auto done = fresh ? rejoin(log->disk(), plan, *fresh, self_member)
                          : result<void>{fresh.error()};
  if (!done) {
    warn("rejoin_failed", done);
    self->delayed_send(self, rebirth_pause, rebirth_atom_v, plan);
    return;
  }
  reborn = true;
  on_rebirth();
}

caf::behavior journal_actor(caf::stateful_actor<journal_state>* self,
                            journal_ptr log, const member& self_member,
                            std::function<void()> on_rebirth) {
  auto& state = self->state;
  state.self = self;
  state.log = std::move(log);
  state.self_member = self_member;
  state.on_rebirth = std::move(on_rebirth);
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
          const run_record& met) {
        self->state.note([&](store& disk) {
          const auto saved =
              met.id == 0 ? result<void>{} : disk.add_run(met, peer);
          return saved ? disk.save_cursor(peer, acknowledged) : saved;
        });
      },
      [=](member_atom, const member& who) { self->state.save(who); },
      [=](fact_atom, std::uint8_t which, std::uint64_t value) {
        self->state.save(static_cast<fact>(which), value);
      },
      [=](fact_atom, const run_record& run, origin_id peer) {
        self->state.note([&](store& disk) { return disk.add_run(run, peer); });
      },
      [=](reissue_atom) { self->state.read_reissues(); },
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
                       self->state.log->disk().last_position());
      },
  };
}

} // namespace panal
