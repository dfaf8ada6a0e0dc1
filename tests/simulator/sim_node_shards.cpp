// In the place of a node's shard actors.

#include "storage/key_hash.hpp"
#include "tests/simulator/sim_node_parts.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

namespace {

using namespace std::chrono_literals;

} // namespace

void sim_node::ask(operation op, unsigned key, reply_to to) {
  if (op.what == verb::clear)
    return post(membership_part, first_shard,
                [this, op, to] { start_clear(op, to); });
  const auto index = shard_of(key_hash(op.key), shards_.size());
  post(membership_part, first_shard + static_cast<unsigned>(index),
       [this, index, op, key, to] { apply(index, op, key, to); });
}

/// Knowledge that is durable when the change of this number is.
void sim_node::stage(std::size_t index, std::uint64_t number,
                     const knowledge& what) {
  auto& part = shards_[index];
  part.mem |= what;
  if (number <= part.committed)
    disk_.knows.of[index] |= what;
  else
    part.staged.emplace(number, what);
}

void sim_node::apply(std::size_t index, operation op, unsigned key,
                     reply_to to) {
  if (around_.ops.is_full())
    return;
  auto& part = shards_[index];
  const auto what = op.what;
  const auto version = op.version;
  const auto value = op.value;
  const auto asked_at = wall_.now();
  const auto knew = part.mem;
  const bool is_full = part.keys->memory_bytes() > options_.memory_bytes_max;
  const auto name = op.key;
  auto out = part.keys->apply(op);
  op.version = version;
  op.key = name;
  if (what != verb::get)
    judge_write(knew, key, op, out.reply, asked_at);
  judge_memory(op, out.reply, is_full);
  client_answer came{std::move(out.reply), std::nullopt};
  // One change a batch, so that what the operation has made is seen.
  auto batch = part.keys->take_batch();
  const bool wrote = came.reply.code == errc::ok && what != verb::get;
  if (wrote && batch) {
    accepted made;
    made.what = what == verb::put ? deed::put : deed::remove;
    made.key = key;
    made.version = version;
    made.value = value;
    made.expires_at = op.ttl_ms > 0 ? asked_at + op.ttl_ms : never;
    made.name = came.reply.at;
    made.past = part.mem.seen & around_.ops.about(key);
    const auto floor = floor_of(batch->changes.back().entry);
    made.kills =
        what == verb::put && floor != stamp{} && !around_.ops.find(floor);
    came.op = around_.ops.add(made);
    if (!came.op)
      return around_.shares_stamps();
    if (made.kills)
      around_.ops.also_named(floor, *came.op);
    if (!options_.is_clustered && (op.ttl_ms > 0 || what == verb::remove))
      around_.ops.leaves_no_trace(*came.op);
    stage(index, batch->last_number(), around_.ops.knows(*came.op));
  }
  if (what == verb::get && came.reply.code == errc::ok)
    judge_read(part, key, came.reply);
  if (batch)
    post(first_shard + static_cast<unsigned>(index), journal_part,
         [this, batch, epoch = part.keys->epoch()] {
           journal_->add({batch, epoch});
           commit_soon();
         });
  held item;
  item.after = out.after;
  item.wanted = out.wanted;
  item.what = std::move(came);
  item.to = std::move(to);
  hold(index, std::move(item));
}

void sim_node::hold(std::size_t index, held what) {
  auto& part = shards_[index];
  if (what.after <= part.keys->durable_number() || what.after == 0)
    return release(std::move(what), errc::ok, 0);
  part.waiting.push_back(std::move(what));
}

void sim_node::release(held what, errc code, position at) {
  if (what.merge) {
    auto done = *what.merge;
    if (code != errc::ok)
      done.code = code;
    return post(first_shard, replicator,
                [this, done] { core_->merged(done, now()); });
  }
  if (what.then)
    return what.then(code == errc::ok);
  if (code != errc::ok)
    what.what.reply.code = code;
  if (code == errc::ok && what.what.reply.code == errc::ok
      && what.wanted >= write_level::quorum) {
    const auto ticket = ++next_ticket_;
    const auto wanted = what.wanted;
    quorums_.emplace(ticket, std::move(what));
    return post(first_shard, replicator, [this, ticket, at, wanted] {
      core_->await(ticket, at, wanted, now().steady + 2'000ms, now());
    });
  }
  what.to(what.what);
}

void sim_node::answer(std::uint64_t ticket, std::size_t members_reached,
                      bool in_time) {
  const auto i = quorums_.find(ticket);
  if (i == quorums_.end())
    return;
  auto item = std::move(i->second);
  quorums_.erase(i);
  item.what.reply.members_reached = static_cast<std::uint32_t>(members_reached);
  item.what.reply.members = static_cast<std::uint32_t>(core_->members());
  if (in_time)
    item.what.reply.reached = item.wanted;
  item.to(item.what);
}

/// @return the floor of the newest change handed over, if there is one.
stamp sim_node::hand_to_journal(std::size_t index) {
  auto& part = shards_[index];
  auto batch = part.keys->take_batch();
  if (!batch)
    return {};
  post(first_shard + static_cast<unsigned>(index), journal_part,
       [this, batch, epoch = part.keys->epoch()] {
         journal_->add({batch, epoch});
         commit_soon();
       });
  return floor_of(batch->changes.back().entry);
}

void sim_node::note(std::size_t index, const commit_report& result) {
  auto& part = shards_[index];
  std::map<std::uint64_t, position> places;
  if (result.code != errc::ok) {
    std::uint64_t epoch = 0;
    for (const auto& [batch, of] : result.batches)
      if (batch->shard == index)
        epoch = std::max(epoch, of);
    if (epoch < part.keys->epoch())
      return;
    part.keys->failed();
    part.mem = disk_.knows.of[index];
    part.staged.clear();
    for (auto& item : std::exchange(part.waiting, {}))
      release(std::move(item), result.code, 0);
    return;
  }
  for (const auto& [batch, epoch] : result.batches) {
    if (batch->shard != index)
      continue;
    for (std::size_t i = 0; i < batch->changes.size(); ++i)
      places[batch->first_number + i] = batch->changes[i].at;
    part.keys->committed(*batch);
  }
  auto waiting = std::exchange(part.waiting, {});
  for (auto& item : waiting) {
    if (item.after > part.keys->durable_number()) {
      part.waiting.push_back(std::move(item));
      continue;
    }
    const auto place = places.find(item.after);
    release(std::move(item), errc::ok,
            place == places.end() ? 0 : place->second);
  }
}

void sim_node::sweep(std::size_t index) {
  auto& part = shards_[index];
  part.keys->sweep(256);
  part.keys->purge(64);
  hand_to_journal(index);
  auto& world = around_.around;
  world.at(world.now() + sweep_pause + world.random.between(0, millisecond),
           life_, [this, index] { sweep(index); });
}

void sim_node::merge(std::size_t index, remote_changes part) {
  auto shared = std::make_shared<remote_changes>(std::move(part));
  post(replicator, first_shard + static_cast<unsigned>(index),
       [this, index, shared] {
         auto& own = shards_[index];
         held item;
         remote_done done{shared->peer, shared->ticket, errc::ok, 0, 0};
         for (const auto& what : shared->changes) {
           const auto out =
               own.keys->merge_remote(what.key, what.entry, shared->peer);
           if (out.set_aside || out.code == errc::corrupt)
             ++done.set_aside;
           else if (out.code != errc::ok)
             done.code = out.code;
           if (done.code == errc::ok && !out.set_aside) {
             knowledge of;
             learn(of, what.entry);
             stage(index, out.after, of);
           }
           item.after = std::max(item.after, out.after);
         }
         item.merge = done;
         hand_to_journal(index);
         hold(index, std::move(item));
       });
}

void sim_node::mark(std::uint64_t hlc) {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(replicator, first_shard + static_cast<unsigned>(i), [this, i, hlc] {
      auto& keys = *shards_[i].keys;
      if (!keys.waits_for_retry())
        post(first_shard + static_cast<unsigned>(i), journal_part,
             [this, i, epoch = keys.epoch(), hlc] {
               journal_->add_mark(i, epoch, hlc);
               commit_soon();
             });
    });
}

void sim_node::set_line(std::uint64_t line, std::uint64_t collect_upto) {
  line_ = line;
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(replicator, first_shard + static_cast<unsigned>(i),
         [this, i, line, collect_upto] {
           shards_[i].keys->set_line(line);
           shards_[i].keys->collect(collect_upto, 256);
           hand_to_journal(i);
           if (const auto wanted = shards_[i].keys->wanted_line();
               wanted > line)
             post(first_shard + static_cast<unsigned>(i), replicator,
                  [this, wanted] { core_->want_line(wanted); });
         });
}

} // namespace panal::sim
