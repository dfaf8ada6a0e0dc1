#include "tests/simulator/sim_shard.hpp"

#include "tests/simulator/sim_node_parts.hpp"

#include <utility>

namespace panal::sim {

sim_shard::sim_shard(sim_node& around, const shard_config& config,
                     table_ptr keys, const knowledge& on_disk)
    : core{config, std::move(keys), *this}, mem{on_disk}, node_{around} {
  clears_ = around.disk_.knows.clears;
}

unsigned sim_shard::place() const {
  return first_shard + static_cast<unsigned>(core.index());
}

// -- clients ------------------------------------------------------------------

void sim_shard::ask(std::unique_ptr<sim_request> what) {
  auto& around = node_.around_;
  if (around.ops.is_full())
    return;
  auto& item = *what;
  item.asked = item.op;
  const auto knew = mem;
  const auto asked_at = node_.wall_.now();
  const bool is_full =
      core.keys().memory_bytes() > node_.options_.memory_bytes_max;
  handed_ = nullptr;
  asking_ = true;
  std::vector<request_ptr> one;
  one.push_back(std::move(what));
  core.apply(std::move(one));
  asking_ = false;
  node_.judge_memory(item.asked, item.reply, is_full);
  if (item.asked.what == verb::clear)
    record_clear(item);
  else
    judge(item, asked_at, knew);
  answer(std::exchange(answered_, {}));
}

void sim_shard::judge(sim_request& item, unix_ms asked_at,
                      const knowledge& knew) {
  const auto& reply = item.reply;
  if (item.asked.what != verb::get)
    node_.judge_write(core.keys(), knew, item.key, item.asked, reply, asked_at);
  else if (reply.code == errc::ok)
    node_.judge_read(*this, item.key, reply);
  if (item.asked.what != verb::get && reply.code == errc::ok && handed_)
    record(item, asked_at);
}

void sim_shard::record(sim_request& item, unix_ms asked_at) {
  auto& around = node_.around_;
  const auto& asked = item.asked;
  accepted made;
  made.what = asked.what == verb::put ? deed::put : deed::remove;
  made.key = item.key;
  made.version = asked.version;
  made.value = asked.value;
  made.expires_at = asked.ttl_ms > 0 ? asked_at + asked.ttl_ms : never;
  made.name = item.reply.at;
  made.past = mem.seen & around.ops.about(item.key);
  const auto floor = floor_of(handed_->changes.back().entry);
  made.kills =
      made.what == deed::put && floor != stamp{} && !around.ops.find(floor);
  item.made = around.ops.add(made);
  if (!item.made)
    return around.shares_stamps();
  if (made.kills)
    around.ops.also_named(floor, *item.made);
  if (!node_.options_.is_clustered
      && (asked.ttl_ms > 0 || asked.what == verb::remove))
    around.ops.leaves_no_trace(*item.made);
  stage(handed_->last_number(), around.ops.knows(*item.made));
}

void sim_shard::record_clear(sim_request& item) {
  auto& around = node_.around_;
  if (item.reply.code != errc::ok || !handed_)
    return;
  accepted made;
  made.what = deed::clear;
  made.key = every_key;
  made.name = item.reply.at;
  for (const auto& part : node_.shards_)
    made.past |= part->mem.seen;
  item.made = around.ops.add(made);
  if (!item.made)
    return around.shares_stamps();
  stage_clear(handed_->last_number(), around.ops.knows(*item.made));
}

void sim_shard::answer(std::vector<request_ptr> done) {
  if (asking_) {
    std::move(done.begin(), done.end(), std::back_inserter(answered_));
    return;
  }
  for (auto& item : done) {
    auto& asked = static_cast<sim_request&>(*item);
    judge_clear(asked);
    asked.to({asked.reply, asked.made});
  }
}

/// Whoever hears that all is cleared must not read what was.
void sim_shard::judge_clear(const sim_request& item) const {
  if (item.asked.what != verb::clear || item.reply.code != errc::ok)
    return;
  for (const auto& part : node_.shards_)
    if (part->core.keys().cleared() < item.reply.at)
      node_.around_.violated("early: a clear-all was answered before every "
                             "shard knew of it");
}

void sim_shard::await_members(quorum_wait wait) {
  node_.await(place(), std::move(wait));
}

// -- what is known ------------------------------------------------------------

void sim_shard::stage(std::uint64_t number, const knowledge& what) {
  mem |= what;
  stage_on_disk(number, what);
}

void sim_shard::stage_on_disk(std::uint64_t number, const knowledge& what) {
  if (number <= committed)
    node_.disk_.knows.of[core.index()] |= what;
  else
    staged_.emplace(number, what);
}

/// A clear-all shows when it is durable, and at `memory` at once.
void sim_shard::stage_clear(std::uint64_t number, const knowledge& what) {
  stage_on_disk(number, what);
  staged_clears_.emplace(number, what);
  clears_in_effect();
}

void sim_shard::clears_in_effect() {
  const auto& keys = core.keys();
  const auto upto = keys.retries() ? keys.last_number() : keys.durable_number();
  const auto end = staged_clears_.upper_bound(upto);
  for (auto i = staged_clears_.begin(); i != end; ++i)
    clears_ |= i->second;
  staged_clears_.erase(staged_clears_.begin(), end);
  mem |= clears_;
}

knowledge sim_shard::take_staged(std::uint64_t number) {
  knowledge taken;
  const auto end = staged_.upper_bound(number);
  for (auto i = staged_.begin(); i != end; ++i)
    taken |= i->second;
  staged_.erase(staged_.begin(), end);
  committed = number;
  return taken;
}

void sim_shard::took(const change& what, const merge_outcome& out) {
  if (out.code != errc::ok || out.set_aside)
    return;
  knowledge of;
  node_.learn(of, what.entry);
  if (what.key == cleared_key)
    stage_clear(out.after, of);
  else
    stage(out.after, of);
}

void sim_shard::issued(const std::string& name, const left_part& what,
                       const outcome& out) {
  if (node_.around_.ops.is_full())
    node_.around_.give_up();
  else if (what.is_kept)
    record_kept(what.state, out);
  else
    record_reissue(name, what.state, out);
}

/// Nothing that keeps its stamp may be below a line.
void sim_shard::record_kept(const entry& held, const outcome& out) {
  auto& around = node_.around_;
  handed_ = nullptr;
  knowledge of;
  node_.learn(of, encode(held));
  stage(out.after, of);
  if (held.floor != stamp{})
    around.judge_stamp(node_.index_, held.floor);
  for (const auto& put : held.frontier)
    around.judge_stamp(node_.index_, put.at);
}

void sim_shard::record_reissue(const std::string& name, const entry& old,
                               const outcome& out) {
  auto& around = node_.around_;
  const auto batch = std::exchange(handed_, nullptr);
  const auto floor = batch ? floor_of(batch->changes.back().entry) : stamp{};
  const auto& keys = core.keys();
  const auto key = static_cast<unsigned>(name.at(1) - '0');
  const auto before = old.frontier.empty()
                          ? around.ops.find(old.floor)
                          : around.ops.find(old.frontier.front().at);
  const auto code = out.reply.code;
  around.say(node_.self().name + " issues " + name + " anew, floor "
             + std::to_string(old.floor.hlc) + " puts "
             + std::to_string(old.frontier.size()) + ": "
             + std::string{to_string(code)});
  if (code == errc::ok && out.reply.at != stamp{}) {
    accepted made;
    made.key = key;
    made.name = out.reply.at;
    made.past = mem.seen & around.ops.about(key);
    made.what = old.frontier.empty() ? deed::remove : deed::put;
    made.kills = true; // it may have come upon something expired
    if (made.what == deed::put) {
      made.version = old.frontier.front().version;
      made.expires_at = old.frontier.front().expires_at;
      made.value = old.frontier.front().value;
    }
    if (const auto again = around.ops.add(made)) {
      if (before)
        around.ops.reissued(*before, *again);
      issued_.push_back(*again);
      if (floor != stamp{} && !around.ops.find(floor))
        around.ops.also_named(floor, *again);
      stage(out.after, around.ops.knows(*again));
    }
  } else if (before && !old.frontier.empty()
             && (code == errc::stale_version || code == errc::not_found)) {
    around.ops.withdraw(*before);
  } else if (before && code != errc::ok) {
    around.ops.lapse(*before);
    if (!old.frontier.empty() && old.frontier.front().at.hlc > keys.line())
      stage(keys.last_number(), around.ops.knows(*before));
  }
  // An old delete above the line stands for itself.
  if (const auto op = around.ops.find(old.floor);
      op && old.floor.hlc > keys.line())
    stage(keys.last_number(), around.ops.knows(*op));
}

// -- the journal --------------------------------------------------------------

void sim_shard::journal(change_batch_ptr batch, std::uint64_t epoch) {
  handed_ = batch;
  node_.post(place(), journal_part, [this, batch, epoch] {
    node_.journal_->add({batch, epoch});
    node_.commit_soon();
  });
}

void sim_shard::mark(std::uint64_t epoch, std::uint64_t hlc) {
  node_.post(place(), journal_part, [this, epoch, hlc] {
    node_.journal_->add_mark(core.index(), epoch, hlc);
    node_.commit_soon();
  });
}

void sim_shard::note(const commit_note& result) {
  const auto epoch = core.keys().epoch();
  const bool fails = result.code != errc::ok && result.epoch >= epoch;
  if (fails && !core.keys().retries()) {
    staged_.clear();
    staged_clears_.clear();
    mem = node_.disk_.knows.of[core.index()];
    mem |= clears_;
  }
  core.committed(result);
  clears_in_effect();
}

// -- clear-alls ---------------------------------------------------------------

void sim_shard::spread_clear(const clear_notice& what) {
  clears_in_effect();
  for (auto& other : node_.shards_)
    if (other.get() != this)
      node_.post(place(), other->place(),
                 [this, what, of = clears_, to = other.get()] {
                   to->take_clear(what, of);
                   node_.post(to->place(), place(),
                              [this, what] { core.clear_taken(what.token); });
                 });
}

void sim_shard::take_clear(const clear_notice& what, const knowledge& of) {
  core.take_clear(what);
  clears_ |= of;
  mem |= of;
}

// -- the replica, and time ----------------------------------------------------

void sim_shard::merged(const remote_done& part) {
  node_.post(place(), replicator,
             [this, part] { node_.core_->merged(part, node_.now()); });
}

void sim_shard::reissued(reissue_report part) {
  const bool durable = !part.keys.empty() || !part.left;
  for (const auto op : std::exchange(issued_, {}))
    if (durable)
      node_.around_.ops.promise(op);
  node_.post(place(), replicator,
             [this, part = std::move(part)] { node_.reissue_done(part); });
}

void sim_shard::want_line(std::uint64_t hlc) {
  node_.post(place(), replicator, [this, hlc] { node_.core_->want_line(hlc); });
}

void sim_shard::listed(leaf_listing part) {
  node_.post(place(), replicator, [this, part = std::move(part)]() mutable {
    node_.listing_came(std::move(part));
  });
}

void sim_shard::compared(leaf_difference part) {
  node_.has_dropped_ = true;
  node_.post(place(), replicator, [this, part = std::move(part)]() mutable {
    node_.difference_came(std::move(part));
  });
}

void sim_shard::wake(shard_task what, std::chrono::milliseconds pause) {
  if (pause == pause.zero())
    return node_.post(place(), place(), [this, what] { core.run(what); });
  auto& world = node_.around_.around;
  world.at(world.now() + pause.count() * millisecond
               + world.random.between(0, millisecond),
           node_.life_, [this, what] { core.run(what); });
}

} // namespace panal::sim
