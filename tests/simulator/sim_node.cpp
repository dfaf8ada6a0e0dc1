#include "tests/simulator/sim_node.hpp"

#include "storage/key_hash.hpp"
#include "tests/simulator/cluster.hpp"
#include "tests/simulator/disk_handle.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

namespace {

using namespace std::chrono_literals;

// Parts of a node, as senders and receivers of messages.
constexpr unsigned replicator = 0;
constexpr unsigned membership_part = 1;
constexpr unsigned journal_part = 2;
constexpr unsigned first_shard = 3;
constexpr unsigned parts_max = 8;

constexpr std::uint64_t digest_secret = 0x5eed;
constexpr sim_time beat_pause = 400 * millisecond;
constexpr sim_time sweep_pause = 150 * millisecond;
constexpr auto silence_max = 2'000ms;
constexpr auto farewell_length = 800ms;
constexpr auto copy_patience = 3'000ms;
constexpr auto doubtful_silence = 900ms;

replica_config config_of(const node_options& options) {
  replica_config c;
  c.shards = options.shards;
  c.pushes = options.pushes;
  c.window.frame_changes_max = 4;
  c.window.window_frames_max = 4;
  c.window.ack_timeout = 600ms;
  c.window.refused_pause = 300ms;
  c.recent_bytes_max = 3'000;
  c.mark_pause = 500ms;
  c.line_pause = 1'000ms;
  c.cursor_pause = 500ms;
  c.repairing.interval_min = 1'000ms;
  c.repairing.interval_max = 3'000ms;
  c.repairing.interval_hurried = 500ms;
  c.repairing.confirm_pause = 400ms;
  c.repairing.quiet_max = 2'000ms;
  return c;
}

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

sim_node::sim_node(cluster& around, std::size_t index, sim_disk& disk,
                   const clock& wall, const node_options& options)
    : around_{around},
      index_{index},
      disk_{disk},
      life_{around.around.begin_life()},
      options_{options},
      wall_{wall},
      stamps_{disk.origin(), wall},
      shards_(options.shards) {
  load();
  start_timers();
}

moment sim_node::now() const {
  return {around_.around.steady(), wall_.now()};
}

template <class F>
void sim_node::post(unsigned from, unsigned to, F what) {
  auto& last = fifo_[from * parts_max + to];
  auto& world = around_.around;
  last = std::max(last + 1, world.now() + world.random.between(5, 400));
  world.at(last, life_, std::move(what));
}

void sim_node::load() {
  auto facts = *disk_.facts();
  auto runs = *disk_.runs();
  const auto known = *disk_.members();
  stamps_.observe({facts[fact::promised], 0});
  stamps_.observe({facts[fact::line], 0});
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    table_config bounds;
    bounds.shard = i;
    bounds.keeps_tombstones = true;
    bounds.gate = &gate_;
    bounds.digests = &digests_;
    bounds.digest_secret = digest_secret;
    shards_[i].keys = std::make_unique<table>(bounds, stamps_);
    shards_[i].mem = disk_.knows.of[i];
  }
  replica_memory memory;
  const auto visit = [&](std::string_view key, std::string_view entry,
                         position) {
    const auto note = [&](const stamp& at) {
      auto& newest = memory.newest_of[at.origin];
      newest = std::max(newest, at.hlc);
    };
    note(floor_of(entry));
    put_headers puts{entry};
    for (put_header put; puts.next(put);)
      note(put.at);
    if (key != cleared_key)
      return shards_[shard_of(key_hash(key), shards_.size())].keys->load(key,
                                                                         entry);
    for (auto& part : shards_)
      part.keys->load(key, entry);
  };
  static_cast<void>(disk_.load(visit));
  const auto started = stamps_.promise();
  const run_record run{(started & ~std::uint64_t{0xffff})
                           | (around_.around.random() & 0xffff) | 1,
                       started, disk_.last_position()};
  run_ = run.id;
  // As a real one: it does not start without.
  is_sound_ = bool{disk_.add_run(run, own_change)};
  runs[own_change].push_back(run);
  memory.self = around_.self_of(index_, disk_.origin());
  memory.facts = facts;
  memory.runs = runs;
  memory.cursors = *disk_.cursors();
  memory.has_data = disk_.last_position() > 0;
  memory.seed = around_.around.random();
  for (auto& part : shards_)
    part.keys->set_line(facts[fact::line]);
  journal_config bounds;
  bounds.shards = shards_.size();
  journal_ =
      std::make_unique<journal>(bounds, std::make_unique<disk_handle>(disk_));
  roster_ = std::make_unique<membership>(
      memory.self, known, std::vector<std::string>{"m0:1", "m1:1"},
      around_.around.random());
  core_ = std::make_unique<replica>(config_of(options_), std::move(memory),
                                    *this, stamps_, gate_, digests_);
  core_->start(disk_.last_position());
  core_->members_changed(roster_->all());
}

void sim_node::start_timers() {
  auto& world = around_.around;
  world.at(world.now() + world.random.between(0, beat_pause), life_,
           [this] { beat(); });
  for (std::size_t i = 0; i < shards_.size(); ++i)
    world.at(world.now() + world.random.between(0, sweep_pause), life_,
             [this, i] { sweep(i); });
}

void sim_node::die() {
  around_.around.end_life(life_);
}

// -- the shards
// -------------------------------------------------------------------

void sim_node::ask(operation op, unsigned key, reply_to to) {
  if (op.what == verb::clear)
    return post(membership_part, first_shard,
                [this, op, to] { start_clear(op, to); });
  const auto index = shard_of(key_hash(op.key), shards_.size());
  post(membership_part, first_shard + static_cast<unsigned>(index),
       [this, index, op, key, to] { apply(index, op, key, to); });
}

void sim_node::learn(knowledge& what, std::string_view encoded) const {
  const auto note = [&](const stamp& at) {
    if (const auto op = around_.ops.find(at))
      what |= around_.ops.knows(*op);
  };
  note(floor_of(encoded));
  put_headers puts{encoded};
  for (put_header put; puts.next(put);)
    note(put.at);
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

/// An entry may come before the clear-all that it was written after: that has
/// a row of its own, which a later clear-all moves.
bool sim_node::knows_clears(const knowledge& what, const table& keys) const {
  for (op_id op = 0; op < around_.ops.size(); ++op) {
    const auto& x = around_.ops[op];
    if (what.seen[op] && x.what == deed::clear && x.name > keys.cleared())
      return false;
  }
  return true;
}

void sim_node::judge_read(const shard& part, unsigned key,
                          const panal::answer& reply) {
  if (!knows_clears(part.mem, *part.keys))
    return;
  // A write that was issued anew is there twice.
  std::optional<op_id> dead;
  std::optional<op_id> found;
  for (op_id op = 0; op < around_.ops.size(); ++op) {
    const auto& x = around_.ops[op];
    if (x.what != deed::put || x.key != key || x.value != reply.value)
      continue;
    (part.mem.dead[op] ? dead : found) = op;
  }
  if (found) {
    const auto wrong =
        judge_uncovered(around_.ops, part.mem, *found, wall_.now() - 5);
    if (wrong && !around_.has_skew())
      around_.violated(*wrong);
  } else if (dead && !around_.may_linger(*dead))
    around_.violated("resurrected: " + describe(around_.ops, *dead)
                     + " was read");
}

/// Judges the answer by what the shard knew when it gave it.
void sim_node::judge_write(const knowledge& knew, unsigned key,
                           const operation& asked, const panal::answer& reply,
                           unix_ms asked_at) {
  const auto place = shard_of(key_hash(asked.key), shards_.size());
  std::optional<std::string> wrong;
  if (!knows_clears(knew, *shards_[place].keys))
    return;
  if (reply.code == errc::stale_version)
    wrong = judge_refusal(around_.ops, knew, key, asked.version, reply.version,
                          asked_at);
  // What repair has dropped is gone, though its delete is not known yet.
  if (reply.code == errc::ok && asked.what == verb::put && !has_dropped_)
    wrong =
        judge_put(around_.ops, knew, key, asked.version, around_.latest_wall());
  if (wrong)
    return around_.violated(*wrong);
  if (reply.code == errc::ok && was_unsafe_
      && core_->clock() == clock_state::unsafe)
    around_.violated("unsafe: written though the clock is far off");
}

/// Nothing may come to be below a line.
void sim_node::judge_commit(const change_batch& batch) {
  const auto judge = [&](const stamp& at) {
    const auto op = around_.ops.find(at);
    if (at.origin == origin() && op && !disk_.knows.of[batch.shard].seen[*op])
      around_.judge_stamp(index_, at);
  };
  for (const auto& what : batch.changes) {
    if (what.source != own_change)
      continue;
    judge(floor_of(what.entry));
    put_headers puts{what.entry};
    for (put_header put; puts.next(put);)
      judge(put.at);
  }
}

bool sim_node::counts_in(origin_id who) const {
  const auto all = report().members;
  return std::ranges::any_of(
      all, [&](const member_report& x) { return x.origin == who; });
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
  const auto name = op.key;
  auto out = part.keys->apply(op);
  op.version = version;
  op.key = name;
  if (what != verb::get)
    judge_write(knew, key, op, out.reply, asked_at);
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

void sim_node::start_clear(operation op, reply_to to) {
  if (around_.ops.is_full())
    return;
  const auto at = shards_[0].keys->clear_stamp();
  accepted made;
  made.what = deed::clear;
  made.key = every_key;
  made.name = at;
  for (const auto& part : shards_)
    made.past |= part.mem.seen;
  auto job = std::make_shared<clearing>();
  job->left = shards_.size();
  job->op = op;
  job->to = std::move(to);
  job->what.op = around_.ops.add(made);
  if (!job->what.op)
    return around_.shares_stamps();
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(first_shard, first_shard + static_cast<unsigned>(i),
         [this, i, at, job] { clear_at(i, at, job); });
}

void sim_node::clear_at(std::size_t index, const stamp& at,
                        std::shared_ptr<clearing> job) {
  auto& part = shards_[index];
  const auto out = part.keys->clear(at, job->op);
  if (out.reply.code != errc::ok)
    return clear_done(job, out.reply.code, 0);
  stage(index, part.keys->last_number(), around_.ops.knows(*job->what.op));
  hand_to_journal(index);
  held item;
  item.after = out.after;
  item.then = [this, job](bool durable) {
    clear_done(job, durable ? errc::ok : errc::storage_failed, 0);
  };
  hold(index, std::move(item));
}

void sim_node::clear_done(std::shared_ptr<clearing> job, errc code, position) {
  if (code != errc::ok)
    job->code = code;
  if (--job->left > 0)
    return;
  job->what.reply.code = job->code;
  job->what.reply.reached = write_level::disk;
  job->to(job->what);
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

void sim_node::reconcile(repair_changes with) {
  auto shared = std::make_shared<repair_changes>(std::move(with));
  for (std::size_t index = 0; index < shards_.size(); ++index)
    post(replicator, first_shard + static_cast<unsigned>(index),
         [this, index, shared] {
           auto& own = shards_[index];
           for (const auto& what : shared->changes) {
             if (what.key != cleared_key
                 && shard_of(key_hash(what.key), shards_.size()) != index)
               continue;
             const auto out = own.keys->reconcile(
                 what.key, what.entry, shared->their_line, shared->peer);
             has_dropped_ = true;
             if (out.code != errc::ok || out.set_aside)
               continue;
             knowledge of;
             learn(of, what.entry);
             stage(index, out.after, of);
           }
           hand_to_journal(index);
         });
}

void sim_node::walk_on(std::size_t index, std::shared_ptr<leaf_walk> walk) {
  auto& own = shards_[index];
  while (walk->step(*own.keys)) {
    // nop: in a real shard each part is a message of its own
  }
  const auto token = walk->token();
  if (!walk->is_comparison()) {
    auto found = std::make_shared<std::vector<leaf_place>>(walk->listed());
    post(first_shard + static_cast<unsigned>(index), replicator,
         [this, token, found] {
           const auto i = gatherings_.find(token);
           if (i == gatherings_.end())
             return;
           auto& all = i->second;
           all.items.insert(all.items.end(), found->begin(), found->end());
           if (--all.left > 0)
             return;
           auto items = std::move(all.items);
           gatherings_.erase(i);
           core_->listed(token, std::move(items), now());
         });
    return;
  }
  auto found = std::make_shared<std::vector<change>>(walk->settle(*own.keys));
  const bool more = walk->found_more();
  has_dropped_ = true;
  hand_to_journal(index);
  post(first_shard + static_cast<unsigned>(index), replicator,
       [this, token, found, more] {
         const auto i = gatherings_.find(token);
         if (i == gatherings_.end())
           return;
         auto& all = i->second;
         for (auto& what : *found)
           all.entries.push_back(what);
         all.more = all.more || more;
         if (--all.left > 0)
           return;
         auto whole = std::move(all);
         gatherings_.erase(i);
         core_->compared(token, std::move(whole.entries), whole.more, now());
       });
}

void sim_node::list(std::uint64_t token, std::vector<std::uint32_t> leaves) {
  gatherings_[token].left = shards_.size();
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(replicator, first_shard + static_cast<unsigned>(i),
         [this, i,
          walk = std::make_shared<leaf_walk>(
              leaves, token, digests_, digest_secret)] { walk_on(i, walk); });
}

void sim_node::compare(leaf_comparison with) {
  gatherings_[with.token].left = shards_.size();
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(replicator, first_shard + static_cast<unsigned>(i),
         [this, i,
          walk = std::make_shared<leaf_walk>(with, digests_, digest_secret)] {
           walk_on(i, walk);
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

std::size_t sim_node::stubs() const {
  std::size_t all = 0;
  for (const auto& part : shards_)
    all += part.keys->stubs();
  return all;
}

panal::answer sim_node::look(const std::string& key) {
  operation op;
  op.key = key;
  return shards_[shard_of(key_hash(key), shards_.size())].keys->apply(op).reply;
}

knowledge sim_node::knows() const {
  knowledge all;
  for (const auto& part : shards_)
    all |= part.mem;
  return all;
}

// -- the journal
// -------------------------------------------------------------------

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
      auto& staged = shards_[batch->shard].staged;
      const auto end = staged.upper_bound(batch->last_number());
      for (auto i = staged.begin(); i != end; ++i)
        disk_.knows.of[batch->shard] |= i->second;
      staged.erase(staged.begin(), end);
      shards_[batch->shard].committed = batch->last_number();
    }
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(journal_part, first_shard + static_cast<unsigned>(i),
         [this, i, report] { note(i, *report); });
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
  if (around_.around.random.chance(0.3))
    journal_->fold();
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

void sim_node::reissue_all() {
  post(replicator, journal_part, [this] {
    auto writes = std::make_shared<std::vector<reissue>>(*disk_.reissues());
    post(journal_part, replicator, [this, writes] {
      std::vector<std::vector<reissue>> parts(shards_.size());
      for (const auto& write : *writes)
        parts[shard_of(key_hash(write.key), parts.size())].push_back(write);
      reissue_parts_ = shards_.size();
      reissue_refused_ = 0;
      for (std::size_t i = 0; i < parts.size(); ++i)
        post(replicator, first_shard + static_cast<unsigned>(i),
             [this, i, part = parts[i]] { reissue_in(i, part); });
    });
  });
}

void sim_node::reissue_in(std::size_t index, std::vector<reissue> writes) {
  auto& part = shards_[index];
  held item;
  std::vector<op_id> issued;
  for (const auto& write : writes) {
    const auto old = decode(write.entry);
    if (around_.ops.is_full())
      break;
    const auto key = static_cast<unsigned>(write.key.at(1) - '0');
    const auto past = part.mem.seen & around_.ops.about(key);
    const auto out = part.keys->reissue(write.key, *old);
    const auto floor = hand_to_journal(index);
    const auto before = old->frontier.empty()
                            ? around_.ops.find(old->floor)
                            : around_.ops.find(old->frontier.front().at);
    const bool is_new = out.reply.code == errc::ok && out.reply.at != stamp{};
    around_.say(self().name + " issues " + write.key + " anew, floor "
                + std::to_string(old->floor.hlc) + " puts "
                + std::to_string(old->frontier.size()) + ": "
                + std::string{to_string(out.reply.code)});
    if (is_new) {
      accepted made;
      made.key = key;
      made.name = out.reply.at;
      made.past = past;
      made.what = old->frontier.empty() ? deed::remove : deed::put;
      made.kills = true; // it may have come upon something expired
      if (made.what == deed::put) {
        made.version = old->frontier.front().version;
        made.expires_at = old->frontier.front().expires_at;
        made.value = old->frontier.front().value;
      }
      const auto again = around_.ops.add(made);
      if (again) {
        if (before)
          around_.ops.reissued(*before, *again);
        issued.push_back(*again);
        if (floor != stamp{} && !around_.ops.find(floor))
          around_.ops.also_named(floor, *again);
        stage(index, out.after, around_.ops.knows(*again));
      }
    } else if (before && !old->frontier.empty()
               && (out.reply.code == errc::stale_version
                   || out.reply.code == errc::not_found)) {
      around_.ops.withdraw(*before);
    } else if (before && out.reply.code != errc::ok) {
      around_.ops.lapse(*before);
      if (!old->frontier.empty()
          && old->frontier.front().at.hlc > part.keys->line())
        stage(index, part.keys->last_number(), around_.ops.knows(*before));
    }
    // An old delete above the line stands for itself.
    if (const auto op = around_.ops.find(old->floor);
        op && old->floor.hlc > part.keys->line())
      stage(index, part.keys->last_number(), around_.ops.knows(*op));
    item.after = std::max(item.after, out.after);
  }
  item.then = [this, writes, issued](bool durable) {
    for (const auto op : issued)
      if (durable)
        around_.ops.promise(op);
    if (durable)
      for (const auto& write : writes)
        static_cast<void>(disk_.remove_reissue(write.key));
    post(first_shard, replicator, [this, durable, n = writes.size()] {
      reissue_refused_ += durable ? 0 : n + 1;
      if (--reissue_parts_ == 0)
        core_->reissued(n, 0, reissue_refused_ > 0);
    });
  };
  hold(index, std::move(item));
}

void sim_node::rejoin(const rejoin_plan& plan) {
  around_.say(self().name + " rejoins: " + std::string{plan.reason});
  post(replicator, journal_part, [this, plan] {
    if (reborn_)
      return;
    const auto before = disk_.knows;
    const auto old_origin = disk_.origin();
    const auto done =
        panal::rejoin(disk_, plan, around_.fresh_origin(), self());
    if (!done)
      return post(journal_part, journal_part, [this, plan] {
        // The disk refuses: again a little later.
        auto& world = around_.around;
        world.at(world.now() + 300 * millisecond, life_,
                 [this, plan] { rejoin(plan); });
      });
    reborn_ = true;
    op_set kept;
    for (const auto& write : *disk_.reissues()) {
      knowledge of;
      learn(of, write.entry);
      kept |= of.seen;
    }
    disk_.knows = {};
    static_cast<void>(
        disk_.load([&](std::string_view, std::string_view entry, position) {
          for (auto& of : disk_.knows.of)
            learn(of, entry);
        }));
    around_.excuse_rebirth(index_, before.seen(), kept, old_origin);
    around_.restart(index_);
  });
}

// -- the membership
// -----------------------------------------------------------------

std::uint64_t sim_node::link_of(origin_id who) const {
  for (const auto& [id, peer] : links_)
    if (peer.who.origin == who)
      return id;
  return 0;
}

bool sim_node::is_second_claim(const member& who, std::uint64_t run) {
  const auto id = link_of(who.origin);
  if (id == 0 || links_.at(id).run == run)
    return false;
  const auto time = now().steady;
  const auto since = claims_.try_emplace({who.origin, run}, time).first->second;
  if (time - links_.at(id).heard_at > doubtful_silence)
    cut_link(id, false);
  else if (time - since > copy_patience)
    around_.refuse_copy(index_, who.origin, run);
  return true;
}

void sim_node::admitted(const member& who, std::uint64_t run, std::uint64_t id,
                        const std::string& dialled) {
  if (!dialled.empty())
    roster_->dial_ended(dialled, now().steady);
  if (is_second_claim(who, run))
    return around_.close(id);
  learn_member(who, dialled);
  if (const auto old = link_of(who.origin); old != 0) {
    if (now().steady - links_.at(old).heard_at > doubtful_silence)
      cut_link(old, false);
    return around_.close(id);
  }
  const bool farewell = roster_->is_forgotten(who.origin);
  links_[id] = {who, run, now().steady, farewell};
  around_.send(index_, id, encode(members_frame{roster_->all()}));
  if (farewell)
    return;
  roster_->link_up(who.origin);
  post(membership_part, replicator,
       [this, who, run] { core_->link_up(who, run, now()); });
}

void sim_node::introduced(const member& who, std::uint64_t run,
                          const std::string& dialled) {
  if (!dialled.empty())
    roster_->dial_ended(dialled, now().steady);
  if (is_second_claim(who, run))
    return;
  if (roster_->is_forgotten(who.origin))
    return around_.dial(index_, who.address);
  learn_member(who, dialled);
  dial_due();
}

void sim_node::dial_failed(const std::string& address) {
  roster_->dial_ended(address, now().steady);
}

void sim_node::told_copied(origin_id by, std::uint64_t run) {
  if (by == origin() && run_ < run)
    return;
  post(membership_part, replicator, [this] { core_->is_copy(); });
}

void sim_node::frame_came(std::uint64_t id, const std::string& bytes) {
  const auto i = links_.find(id);
  if (i == links_.end())
    return;
  auto& from = i->second;
  if (!from.farewell)
    from.heard_at = now().steady;
  if (is_link_frame(bytes)) {
    const auto said = decode_frame(bytes);
    for (const auto& who : std::get<members_frame>(*said).known)
      if (who.origin == origin() && who.forgotten != 0)
        post(membership_part, replicator, [this, who] {
          core_->was_forgotten(who.forgotten, who.name != self().name);
        });
    if (!from.farewell)
      remember(roster_->heard_of(std::get<members_frame>(*said).known));
  } else if (!from.farewell) {
    post(membership_part, replicator, [this, id, who = from.who.origin, bytes] {
      if (links_.contains(id))
        core_->frame_came(who, bytes, now());
    });
  }
}

void sim_node::remember(const std::vector<member>& news) {
  if (news.empty())
    return;
  for (const auto& who : news) {
    post(membership_part, journal_part, [this, who] {
      if (!reborn_)
        static_cast<void>(disk_.save_member(who));
    });
    if (who.forgotten != 0)
      if (const auto id = link_of(who.origin); id != 0)
        cut_link(id, false);
  }
  tell_replica();
  for (const auto& [id, peer] : links_)
    around_.send(index_, id, encode(members_frame{roster_->all()}));
  dial_due();
}

void sim_node::tell_replica() {
  post(membership_part, replicator,
       [this, all = roster_->all()] { core_->members_changed(all); });
}

void sim_node::learn_member(const member& who, const std::string& dialled) {
  if (roster_->is_forgotten(who.origin))
    return;
  if (roster_->introduced(who, dialled))
    remember({who});
}

void sim_node::forget(const std::string& name) {
  const auto found = roster_->find_name(name);
  if (!found || link_of(found->origin) != 0)
    return;
  if (const auto gone =
          roster_->forget(found->origin, core_->seen_of(found->origin)))
    remember({*gone});
}

void sim_node::beat() {
  const auto time = now().steady;
  std::vector<std::uint64_t> silent;
  for (const auto& [id, peer] : links_)
    if (time - peer.heard_at > (peer.farewell ? farewell_length : silence_max))
      silent.push_back(id);
  for (const auto id : silent)
    cut_link(id, false);
  std::vector<member> gone;
  for (const auto origin : roster_->replaced(time))
    if (const auto old = roster_->forget(origin, core_->seen_of(origin)))
      gone.push_back(*old);
  remember(gone);
  if (const auto who = roster_->listener(time))
    if (const auto id = link_of(*who); id != 0)
      around_.send(index_, id, encode(members_frame{roster_->all()}));
  dial_due();
  post(membership_part, replicator, [this] {
    was_unsafe_ = core_->clock() == clock_state::unsafe;
    core_->tick(now());
  });
  auto& world = around_.around;
  world.at(world.now() + beat_pause + world.random.between(0, millisecond),
           life_, [this] { beat(); });
}

void sim_node::dial_due() {
  for (const auto& address : roster_->due(now().steady))
    around_.dial(index_, address);
}

void sim_node::link_gone(std::uint64_t id) {
  const auto i = links_.find(id);
  if (i == links_.end())
    return;
  const auto lost = i->second;
  links_.erase(i);
  if (lost.farewell)
    return;
  roster_->link_down(lost.who.origin, now().steady);
  post(membership_part, replicator,
       [this, who = lost.who.origin] { core_->link_down(who, now()); });
}

void sim_node::cut_link(std::uint64_t id, bool) {
  link_gone(id);
  around_.close(id);
}

void sim_node::send(origin_id peer, std::string bytes) {
  if (const auto id = link_of(peer); id != 0)
    around_.send(index_, id, std::move(bytes));
}

void sim_node::cut(origin_id peer, std::string_view, bool faulty) {
  post(replicator, membership_part, [this, peer, faulty] {
    if (const auto id = link_of(peer); id != 0)
      cut_link(id, faulty);
  });
}

} // namespace panal::sim
