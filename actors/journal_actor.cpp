#include "actors/journal_actor.hpp"

#include "logging/log.hpp"

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

} // namespace

journal_state::~journal_state() {
  if (log && log->has_queued())
    log->commit();
}

void journal_state::add(queued_batch batch) {
  log->add(std::move(batch));
  if (log->is_commit_due()) {
    commit();
  } else if (!commit_is_due && log->has_queued()) {
    // Queues up behind every batch that is in the mailbox already.
    commit_is_due = true;
    caf::anon_send(self, commit_atom_v);
  }
}

void journal_state::commit() {
  if (!log->has_queued())
    return;
  auto report = log->commit();
  tell_shards(report);
  if (report.code != errc::ok) {
    panal::log::error("commit_failed", {{"code", to_string(report.code)},
                                        {"detail", report.detail}});
    return;
  }
  if (replicator) {
    auto news = std::make_shared<committed_batches>();
    for (auto& [batch, epoch] : report.batches)
      news->batches.push_back(std::move(batch));
    caf::anon_send(replicator, std::move(news));
  }
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

caf::behavior journal_actor(caf::stateful_actor<journal_state>* self,
                            journal_ptr log) {
  auto& state = self->state;
  state.self = self;
  state.log = std::move(log);
  self->set_default_handler(caf::drop);
  return {
      [=](queued_batch& batch) { self->state.add(std::move(batch)); },
      [=](commit_atom) {
        self->state.commit_is_due = false;
        self->state.commit();
      },
      [=](fold_atom) { self->state.fold(); },
      [=](const backlog_request& wanted) { self->state.read(wanted); },
      [=](cursor_atom, origin_id peer, position acknowledged) {
        self->state.log->disk().save_cursor(peer, acknowledged);
      },
      [=](member_atom, const member& who) {
        self->state.log->disk().save_member(who);
      },
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
