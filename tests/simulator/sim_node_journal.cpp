// In the place of a node's journal actor.

#include "tests/simulator/sim_node_links.hpp"

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
  auto report = std::make_shared<commit_report>(care_->commit(now().steady));
  if (around_.is_verbose())
    for (const auto& [batch, epoch] : report->batches)
      for (const auto& what : batch->changes)
        around_.say(
            self().name
            + (report->code == errc::ok ? " commits " : " cannot commit ")
            + describe_change(what));
  if (report->code == errc::ok)
    judge_run();
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
    care_->fold(now().steady);
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
    if (auto found =
            care_->read_after(wanted.peer, wanted.after, wanted.limits))
      reply->changes = std::move(*found);
    else
      reply->code = found.error().code;
    post(journal_part, replicator,
         [this, reply] { core_->backlog_came(*reply, now()); });
  });
}

void sim_node::save_cursor(origin_id peer, position acknowledged,
                           const run_record& met) {
  owe(replicator, peer, acknowledged, met);
}

void sim_node::save_fact(fact which, std::uint64_t value) {
  if (which == fact::line)
    around_.judge_line(index_, value);
  if (which == fact::settled)
    around_.joined(index_);
  owe(replicator, which, value);
}

void sim_node::save_identity(const cluster_identity& who, bool founder) {
  around_.joined(index_);
  post(replicator, journal_part, [this, who, founder] {
    if (reborn_
        || !disk_.save_facts({{fact::cluster_born, who.born},
                              {fact::cluster_id, who.id},
                              {fact::founder, founder ? 1U : 0U}}))
      return;
    around_.say(self().name + " belongs to cluster " + std::to_string(who.born)
                + (founder ? ", a founder" : ""));
    post(journal_part, replicator,
         [this, who, founder] { core_->identity_saved(who, founder); });
  });
}

void sim_node::note_stranger(origin_id peer, const cluster_identity& own,
                             const cluster_identity& theirs, bool gives_way) {
  around_.say(self().name + " of cluster " + std::to_string(own.born)
              + " meets " + std::to_string(peer & 0xff) + " of "
              + std::to_string(theirs.born)
              + (gives_way ? ", and gives way" : ""));
}

void sim_node::note_lie(origin_id peer, std::uint64_t line,
                        std::uint64_t mark) {
  around_.say(self().name + " is told a line of " + std::to_string(line)
              + " by " + std::to_string(peer & 0xff) + " above its mark "
              + std::to_string(mark));
}

void sim_node::add_run(const run_record& run, origin_id peer) {
  owe(replicator, run, peer);
}

template <class... What>
void sim_node::owe(unsigned from, What... what) {
  post(from, journal_part, [this, what...] {
    if (reborn_)
      return;
    journal_->owed().owe(what...);
    tell(care_->settle(now().steady));
  });
}

void sim_node::tell(const saved_notes& saved) {
  care_->take_troubles();
  for (const auto& [which, value] : saved.facts)
    post(journal_part, replicator,
         [this, which = which, value = value] { core_->saved(which, value); });
  for (const auto& who : saved.members)
    post(journal_part, membership_part,
         [this, who] { links_->book().saved(who, now().steady); });
  if (saved.run)
    post(journal_part, replicator, [this] { core_->run_saved(); });
}

void sim_node::save_member(const member& who) {
  owe(membership_part, who);
}

void sim_node::look_at_disk() {
  if (reborn_)
    return;
  tell(care_->tick(now().steady));
  // As the actor does: folding that has failed does not wait for a commit.
  if (conditions_.count(condition::fold_failing) > 0)
    care_->fold(now().steady);
  auto& world = around_.around;
  world.at(world.now() + look_pause, life_, [this] { look_at_disk(); });
}

} // namespace panal::sim
