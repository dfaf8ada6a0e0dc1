// In the place of a node's journal actor.

#include "tests/simulator/sim_node_parts.hpp"

#include <utility>

namespace panal::sim {

namespace {

/// For a trace: "12 k3 = floor 7@1, v2 at 8@1, from 9".
std::string describe_change(const change& what) {
  const auto name = [](const stamp& at) {
    return std::to_string(at.hlc) + '@' + std::to_string(at.origin & 0xff);
  };
  auto text = std::to_string(what.at) + ' ' + what.key + " =";
  if (const auto floor = floor_of(what.entry); floor != stamp{})
    text += " floor " + name(floor);
  put_headers puts{what.entry};
  for (put_header put; puts.next(put);)
    text += " v" + std::to_string(put.version) + " at " + name(put.at)
            + (put.stripped ? " stripped" : "");
  if (what.source == local_change)
    return text + ", by itself";
  return text + ", from " + std::to_string(what.source & 0xff);
}

} // namespace

void sim_node::commit_soon() {
  if (journal_->has_queued() && !std::exchange(commit_is_due_, true))
    post(journal_part, journal_part, [this] { commit(); });
}

void sim_node::commit() {
  commit_is_due_ = false;
  if (reborn_ || !journal_->has_queued())
    return;
  auto report = std::make_shared<commit_report>(journal_->commit());
  if (around_.is_verbose())
    for (const auto& [batch, epoch] : report->batches)
      for (const auto& what : batch->changes)
        around_.say(
            self().name
            + (report->code == errc::ok ? " commits " : " cannot commit ")
            + describe_change(what));
  if (report->code == errc::ok)
    for (const auto& [batch, epoch] : report->batches) {
      judge_commit(*batch);
      disk_.knows.of[batch->shard] |=
          shards_[batch->shard]->take_staged(batch->last_number());
      for (const auto& what : batch->changes)
        if (what.key == cleared_key)
          learn(disk_.knows.clears, what.entry);
    }
  tell_shards(*report);
  if (report->code != errc::ok)
    return;
  std::vector<change_batch_ptr> news;
  for (const auto& [batch, epoch] : report->batches)
    news.push_back(batch);
  const auto last = disk_.last_position();
  post(journal_part, replicator, [this, news, hlc = report->marked_hlc, last] {
    if (!news.empty())
      core_->committed(news, now());
    if (hlc != 0)
      core_->marked(hlc, last, now());
  });
  if (around_.around.random.chance(options_.folds))
    journal_->fold();
}

void sim_node::tell_shards(const commit_report& report) {
  std::map<std::size_t, commit_note> notes;
  for (const auto& [batch, epoch] : report.batches) {
    auto& note = notes[batch->shard];
    note.code = report.code;
    note.epoch = epoch;
    note.batches.push_back(batch);
  }
  for (auto& [index, note] : notes)
    post(journal_part, first_shard + static_cast<unsigned>(index),
         [part = shards_[index].get(), note] { part->note(note); });
}

void sim_node::read_backlog(const backlog_request& wanted) {
  post(replicator, journal_part, [this, wanted] {
    auto reply = std::make_shared<backlog>();
    reply->peer = wanted.peer;
    reply->after = wanted.after;
    reply->last = disk_.last_position();
    if (auto found = disk_.read_after(wanted.after, wanted.limits))
      reply->changes = std::move(*found);
    else
      reply->code = found.error().code;
    post(journal_part, replicator,
         [this, reply] { core_->backlog_came(*reply, now()); });
  });
}

void sim_node::save_cursor(origin_id peer, position acknowledged,
                           const run_record& met) {
  post(replicator, journal_part, [this, peer, acknowledged, met] {
    if (!reborn_ && (met.id == 0 || disk_.add_run(met, peer)))
      static_cast<void>(disk_.save_cursor(peer, acknowledged));
  });
}

void sim_node::save_fact(fact which, std::uint64_t value) {
  if (which == fact::line)
    around_.judge_line(index_, value);
  if (which == fact::settled)
    around_.joined(index_);
  post(replicator, journal_part, [this, which, value] {
    if (!reborn_ && disk_.save_fact(which, value))
      post(journal_part, replicator,
           [this, which, value] { core_->saved(which, value); });
  });
}

void sim_node::add_run(const run_record& run, origin_id peer) {
  post(replicator, journal_part, [this, run, peer] {
    if (!reborn_)
      static_cast<void>(disk_.add_run(run, peer));
  });
}

} // namespace panal::sim
