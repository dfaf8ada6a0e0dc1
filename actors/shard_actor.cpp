#include "actors/shard_actor.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <utility>

namespace panal {

namespace {

using namespace std::chrono_literals;

/// Bounds of the background expiry: a step takes well under a millisecond.
constexpr std::size_t sweep_keys_max = 256;
constexpr unix_ms sweep_pause_min_ms = 2;
constexpr unix_ms sweep_pause_idle_ms = 100;
constexpr unix_ms sweep_pause_max_ms = 1'000;

/// How long writes at `memory` durability wait before they try the disk again.
constexpr auto retry_pause = 200ms;

} // namespace

shard_state::~shard_state() {
  release(errc::unavailable, held_replies.take_all());
}

void shard_state::apply(operation_batch& batch) {
  std::vector<request_ptr> done;
  done.reserve(batch.requests.size());
  for (auto& item : batch.requests) {
    auto out = keys->apply(item->op);
    item->reply = std::move(out.reply);
    if (out.after == 0)
      done.push_back(std::move(item));
    else
      held_replies.add(out.after, {std::move(item), batch.home()});
  }
  batch.requests.clear();
  batch.home()->deliver(std::move(done));
  hand_to_journal();
}

void shard_state::merge(const remote_changes& part) {
  remote_done done{part.peer, part.ticket, errc::ok, 0};
  std::uint64_t after = 0;
  for (const auto& what : part.changes) {
    const auto out = keys->merge_remote(what.key, what.entry, part.peer);
    if (out.set_aside || out.code == errc::corrupt)
      ++done.set_aside;
    else if (out.code != errc::ok)
      done.code = out.code;
    after = std::max(after, out.after);
  }
  if (after == 0)
    report(done.code, {done});
  else
    held_merges.add(after, done);
  hand_to_journal();
}

void shard_state::note(const commit_note& result) {
  if (result.code == errc::ok) {
    for (const auto& batch : result.batches)
      keys->committed(*batch);
    release(errc::ok, held_replies.take_until(keys->durable_number()));
    report(errc::ok, held_merges.take_until(keys->durable_number()));
    arrange_sweep();
    return;
  }
  if (result.epoch < keys->epoch())
    return; // that failure has been dealt with
  keys->failed();
  if (keys->retries()) {
    self->delayed_send(self, retry_pause, retry_atom_v);
    return;
  }
  release(result.code, held_replies.take_all());
  report(result.code, held_merges.take_all());
}

void shard_state::retry() {
  for (auto& batch : keys->take_again())
    send_batch(std::move(batch));
  hand_to_journal();
}

void shard_state::sweep() {
  sweep_is_due = false;
  keys->sweep(sweep_keys_max);
  hand_to_journal();
  arrange_sweep();
}

void shard_state::hand_to_journal() {
  if (auto batch = keys->take_batch())
    send_batch(std::move(batch));
}

void shard_state::send_batch(change_batch_ptr batch) {
  caf::anon_send(journal, queued_batch{std::move(batch), keys->epoch()});
}

// Most often all replies go to one loop; each loop is woken once.
void shard_state::release(errc code, std::vector<held_reply> replies) {
  std::unordered_map<reply_inbox_ptr, std::vector<request_ptr>> by_loop;
  for (auto& held : replies)
    by_loop[held.home].push_back(std::move(held.what));
  for (auto& [home, requests] : by_loop) {
    if (code == errc::ok)
      home->deliver(std::move(requests));
    else
      refuse_all(*home, std::move(requests), code);
  }
}

void shard_state::report(errc code, std::vector<remote_done> merges) {
  for (auto& done : merges) {
    if (code != errc::ok)
      done.code = code;
    caf::anon_send(replicator, done);
  }
}

void shard_state::arrange_sweep() {
  const auto next = keys->next_expiry();
  if (sweep_is_due || next == never)
    return;
  sweep_is_due = true;
  const auto wait = next - keys->now();
  const auto pause =
      wait <= 0 ? sweep_pause_min_ms
                : std::clamp(wait, sweep_pause_idle_ms, sweep_pause_max_ms);
  self->delayed_send(self, std::chrono::milliseconds{pause}, sweep_atom_v);
}

caf::behavior shard_actor(caf::stateful_actor<shard_state>* self,
                          table_ptr keys, caf::actor journal) {
  auto& state = self->state;
  state.self = self;
  state.keys = std::move(keys);
  state.journal = std::move(journal);
  self->set_default_handler(caf::drop);
  return {
      [=](const operation_batch_ptr& batch) { self->state.apply(*batch); },
      [=](const remote_changes_ptr& part) { self->state.merge(*part); },
      [=](const commit_note_ptr& result) { self->state.note(*result); },
      [=](sweep_atom) { self->state.sweep(); },
      [=](retry_atom) { self->state.retry(); },
      [=](feed_atom, const caf::actor& replicator) {
        self->state.replicator = replicator;
      },
  };
}

} // namespace panal
