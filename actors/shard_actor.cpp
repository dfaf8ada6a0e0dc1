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

clear_job::~clear_job() {
  if (!what)
    return;
  what->reply.code = errc::unavailable;
  std::vector<request_ptr> left;
  left.push_back(std::move(what));
  home->deliver(std::move(left));
}

shard_state::~shard_state() {
  commit_note stopping;
  stopping.code = errc::unavailable;
  release(stopping, held_replies.take_all());
}

void shard_state::apply(operation_batch& batch) {
  std::vector<request_ptr> done;
  done.reserve(batch.requests.size());
  for (auto& item : batch.requests) {
    if (item->op.what == verb::clear) {
      start_clear(std::move(item), batch.home());
      continue;
    }
    auto out = keys().apply(item->op);
    item->reply = std::move(out.reply);
    if (out.after == 0)
      done.push_back(std::move(item));
    else
      held_replies.add(out.after, {std::move(item), batch.home(), out.after,
                                   out.wanted, nullptr});
  }
  batch.requests.clear();
  batch.home()->deliver(std::move(done));
  hand_to_journal();
}

// One stamp for all shards. What they accept before the job has reached them
// is above it, and stays.
void shard_state::start_clear(request_ptr what, const reply_inbox_ptr& home) {
  auto job = std::make_shared<clear_job>();
  job->at = keys().clear_stamp();
  job->what = std::move(what);
  job->home = home;
  job->shards_left = shards.size();
  for (const auto& shard : shards)
    caf::anon_send(shard, job);
}

void shard_state::clear(const clear_job_ptr& job) {
  const auto out = keys().clear(job->at, job->what->op);
  if (out.reply.code != errc::ok || out.after == 0)
    finish_clear(job, out.reply.code, 0);
  else
    held_replies.add(out.after, {nullptr, nullptr, out.after, out.wanted, job});
  hand_to_journal();
}

void shard_state::finish_clear(const clear_job_ptr& job, errc code,
                               position at) {
  if (code != errc::ok)
    job->code = code;
  auto newest = job->position_of_it.load();
  while (newest < at
         && !job->position_of_it.compare_exchange_weak(newest, at)) {
    // nop
  }
  if (--job->shards_left > 0)
    return;
  auto& reply = job->what->reply;
  const auto wanted = job->what->op.level;
  reply.code = job->code;
  reply.at = job->at;
  reply.reached = job->position_of_it == 0      ? write_level::memory
                  : wanted == write_level::sync ? write_level::sync
                                                : write_level::disk;
  held_reply last{std::move(job->what), job->home, 0,
                  wanted.value_or(write_level::disk), nullptr};
  if (reply.code == errc::ok && last.wanted >= write_level::quorum)
    return wait_for_members(std::move(last), job->position_of_it);
  std::vector<request_ptr> done;
  done.push_back(std::move(last.what));
  job->home->deliver(std::move(done));
}

void shard_state::merge(const remote_changes& part) {
  remote_done done{part.peer, part.ticket, errc::ok, 0, 0};
  std::uint64_t after = 0;
  for (const auto& what : part.changes) {
    const auto out = keys().merge_remote(what.key, what.entry, part.peer);
    if (out.set_aside || out.code == errc::corrupt)
      ++done.set_aside;
    else if (out.code != errc::ok)
      done.code = out.code;
    if (out.below_line)
      ++done.below_line;
    after = std::max(after, out.after);
  }
  report_when_durable(after, {done, nullptr});
}

void shard_state::reconcile(const repair_changes& with) {
  for (const auto& what : with.changes)
    keys().reconcile(what.key, what.entry, with.their_line, with.peer);
  hand_to_journal();
}

void shard_state::reissue_all(const reissue_batch& batch) {
  auto done = std::make_shared<reissue_report>();
  std::uint64_t after = 0;
  for (const auto& write : batch.writes) {
    const auto old = decode(write.entry);
    const auto out = old ? keys().reissue(write.key, *old) : outcome{};
    const auto code = old ? out.reply.code : errc::corrupt;
    if (code == errc::memory_full || code == errc::overloaded) {
      done->left = true;
      continue;
    }
    ++(code == errc::ok ? done->issued : done->refused);
    done->keys.push_back(write.key);
    after = std::max(after, out.after);
  }
  report_when_durable(after, {{}, std::move(done)});
}

void shard_state::report_when_durable(std::uint64_t after, held_report what) {
  if (after <= keys().durable_number())
    report(errc::ok, {std::move(what)});
  else
    held_reports.add(after, std::move(what));
  hand_to_journal();
}

void shard_state::note(const commit_note& result) {
  if (result.code == errc::ok) {
    for (const auto& batch : result.batches)
      keys().committed(*batch);
    release(result, held_replies.take_until(keys().durable_number()));
    report(errc::ok, held_reports.take_until(keys().durable_number()));
    arrange_sweep();
    return;
  }
  if (result.epoch < keys().epoch())
    return; // that failure has been dealt with
  keys().failed();
  if (keys().retries()) {
    self->delayed_send(self, retry_pause, retry_atom_v);
    return;
  }
  release(result, held_replies.take_all());
  report(result.code, held_reports.take_all());
}

void shard_state::retry() {
  for (auto& batch : keys().take_again())
    send_batch(std::move(batch));
  hand_to_journal();
}

void shard_state::sweep() {
  sweep_is_due = false;
  keys().sweep(sweep_keys_max);
  const bool purges = keys().purge(sweep_keys_max);
  hand_to_journal();
  if (purges && !std::exchange(sweep_is_due, true))
    self->delayed_send(self, std::chrono::milliseconds{sweep_pause_min_ms},
                       sweep_atom_v);
  arrange_sweep();
}

// What has been stamped up to `hlc` is on its way to the journal, ahead of
// this; but not what waits to be sent again.
void shard_state::mark(std::uint64_t hlc) {
  if (!keys().waits_for_retry())
    caf::anon_send(journal, mark_atom_v, own.index, keys().epoch(), hlc);
}

void shard_state::set_line(std::uint64_t line, std::uint64_t collect_upto) {
  keys().set_line(line);
  const auto looked_at = keys().collect(collect_upto, sweep_keys_max);
  hand_to_journal();
  if (looked_at == sweep_keys_max)
    caf::anon_send(self, line_atom_v, line, collect_upto);
  if (const auto wanted = keys().wanted_line(); wanted > line)
    caf::anon_send(replicator, line_atom_v, wanted);
}

void shard_state::hand_to_journal() {
  if (auto batch = keys().take_batch())
    send_batch(std::move(batch));
}

void shard_state::send_batch(change_batch_ptr batch) {
  caf::anon_send(journal, queued_batch{std::move(batch), keys().epoch()});
}

namespace {

/// The position of a shard's change, which is one of these batches'.
position position_of(const commit_note& result, std::uint64_t number) {
  for (const auto& batch : result.batches)
    if (number >= batch->first_number && number <= batch->last_number())
      return batch->changes[number - batch->first_number].at;
  return 0;
}

} // namespace

// Most often all replies go to one loop; each loop is woken once.
void shard_state::release(const commit_note& result,
                          std::vector<held_reply> replies) {
  std::unordered_map<reply_inbox_ptr, std::vector<request_ptr>> by_loop;
  for (auto& held : replies) {
    if (held.clear)
      finish_clear(held.clear, result.code, position_of(result, held.after));
    else if (result.code == errc::ok && held.wanted >= write_level::quorum)
      wait_for_members(std::move(held), position_of(result, held.after));
    else
      by_loop[held.home].push_back(std::move(held.what));
  }
  for (auto& [home, requests] : by_loop) {
    if (result.code == errc::ok)
      home->deliver(std::move(requests));
    else
      refuse_all(*home, std::move(requests), result.code);
  }
}

void shard_state::wait_for_members(held_reply held, position at) {
  auto wait = std::make_shared<quorum_wait>();
  wait->at = at;
  wait->wanted = held.wanted;
  wait->what = std::move(held.what);
  wait->home = std::move(held.home);
  caf::anon_send(replicator, std::move(wait));
}

void shard_state::report(errc code, std::vector<held_report> reports) {
  for (auto& held : reports) {
    if (held.reissue) {
      if (code != errc::ok) {
        *held.reissue = {};
        held.reissue->left = true;
      }
      caf::anon_send(replicator, std::move(held.reissue));
      continue;
    }
    if (code != errc::ok)
      held.merge.code = code;
    caf::anon_send(replicator, held.merge);
  }
}

void shard_state::arrange_sweep() {
  const auto next = keys().next_expiry();
  if (sweep_is_due || (next == never && !keys().purges()))
    return;
  sweep_is_due = true;
  const auto wait = keys().purges() ? 0 : next - keys().now();
  const auto pause =
      wait <= 0 ? sweep_pause_min_ms
                : std::clamp(wait, sweep_pause_idle_ms, sweep_pause_max_ms);
  self->delayed_send(self, std::chrono::milliseconds{pause}, sweep_atom_v);
}

caf::behavior shard_actor(caf::stateful_actor<shard_state>* self,
                          const shard_setup& setup, caf::actor journal) {
  auto& state = self->state;
  state.self = self;
  state.own = setup;
  state.journal = std::move(journal);
  state.shards = {caf::actor{self}};
  self->set_default_handler(caf::drop);
  self->set_exit_handler([=](caf::exit_msg& stop) {
    // The shards know one another: without this they would keep each other.
    self->state.shards.clear();
    self->quit(std::move(stop.reason));
  });
  return {
      [=](const operation_batch_ptr& batch) { self->state.apply(*batch); },
      [=](const remote_changes_ptr& part) { self->state.merge(*part); },
      [=](const commit_note_ptr& result) { self->state.note(*result); },
      [=](sweep_atom) { self->state.sweep(); },
      [=](retry_atom) { self->state.retry(); },
      [=](mark_atom, std::uint64_t hlc) { self->state.mark(hlc); },
      [=](line_atom, std::uint64_t line, std::uint64_t upto) {
        self->state.set_line(line, upto);
      },
      [=](const clear_job_ptr& job) { self->state.clear(job); },
      [=](const leaf_query_ptr& query) { self->state.list(*query); },
      [=](const leaf_comparison_ptr& with) { self->state.compare(*with); },
      [=](const repair_changes_ptr& with) { self->state.reconcile(*with); },
      [=](const reissue_batch_ptr& batch) { self->state.reissue_all(*batch); },
      [=](scan_atom) { self->state.walk_step(); },
      [=](feed_atom, const caf::actor& replicator) {
        self->state.replicator = replicator;
      },
      [=](feed_atom, std::vector<caf::actor>& shards) {
        self->state.shards = std::move(shards);
      },
  };
}

} // namespace panal
