// A simulated node's beginning and end, and what the checks see of it.

#include "storage/key_hash.hpp"
#include "tests/simulator/disk_handle.hpp"
#include "tests/simulator/sim_node_links.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

namespace {

using namespace std::chrono_literals;

/// Sizes that fit links of a few thousand bytes a second.
void scale_down(replica_config& c, std::size_t rate) {
  c.window.whole_bytes_max = c.flow.whole_bytes_max = large_bytes;
  c.window.deferred_max = 3;
  c.window.deferred_bytes_max = 1'000;
  c.window.rate_least = rate / 4;
  c.flow.piece_bytes_min = 24;
  c.flow.piece_bytes_max = piece_bytes;
  c.flow.ahead_bytes = 128;
  c.flow.ahead_bytes_min = 48;
  c.flow.ahead_bytes_max = 2'000;
  c.flow.delay_low = 30ms;
  c.flow.delay_high = 120ms;
  c.flow.receipt_bytes = 48;
  c.flow.repair_bytes_max = 400;
}

replica_config config_of(const node_options& options) {
  replica_config c;
  c.shards = options.shards;
  c.pushes = options.pushes;
  c.window.frame_changes_max = 4;
  c.window.window_frames_max = 4;
  if (options.narrow_windows)
    c.window.window_bytes_max = 150;
  c.window.ack_timeout = 600ms;
  c.window.refused_pause = 300ms;
  c.window.rate_least = 1'000'000;
  c.flow.stuck_after = 600ms;
  if (options.rate > 0)
    scale_down(c, options.rate);
  c.recent_bytes_max = options.recent_bytes_max;
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
      rounds_{options.shards, *this} {
  load();
  if (is_sound_)
    start_timers();
}

moment sim_node::now() const {
  return {around_.around.steady(), wall_.now()};
}

void sim_node::load() {
  node_load_config wanted;
  wanted.node_name = around_.self_of(index_, disk_.origin()).name;
  wanted.shards = options_.shards;
  wanted.clustered = true;
  wanted.unreadable = &unreadable_;
  wanted.random = around_.around.random();
  wanted.tables.keeps_tombstones = options_.is_clustered;
  wanted.tables.memory_bytes_max = options_.memory_bytes_max;
  wanted.tables.gate = &gate_;
  wanted.tables.digests = &digests_;
  wanted.tables.digest_secret = digest_secret;
  auto loaded = load_node(disk_, wanted, stamps_);
  // As a real one: it does not start without.
  is_sound_ = bool{loaded};
  if (!is_sound_)
    return;
  run_ = loaded->run;
  for (std::size_t i = 0; i < options_.shards; ++i) {
    auto known = disk_.knows.of[i];
    known |= disk_.knows.clears;
    shards_.push_back(std::make_unique<sim_shard>(
        *this, shard_config{i, options_.shards, &digests_, digest_secret},
        std::move(loaded->tables[i]), known));
  }
  auto& memory = loaded->replica;
  memory.self = around_.self_of(index_, disk_.origin());
  journal_config bounds;
  bounds.shards = shards_.size();
  journal_ =
      std::make_unique<journal>(bounds, std::make_unique<disk_handle>(disk_));
  care_.emplace(*journal_, conditions_);
  if (loaded->owed_run)
    journal_->owed().owe_own_run(*loaded->owed_run);
  const auto self = memory.self;
  core_ = std::make_unique<replica>(config_of(options_), std::move(memory),
                                    *this, stamps_, gate_, digests_);
  core_->start(loaded->last);
  make_links(self, loaded->known);
}

void sim_node::start_timers() {
  auto& world = around_.around;
  world.at(world.now() + world.random.between(0, beat_pause), life_,
           [this] { beat(); });
  world.at(world.now() + look_pause, life_, [this] { look_at_disk(); });
  for (auto& part : shards_)
    world.at(world.now() + world.random.between(0, 150 * millisecond), life_,
             [part = part.get()] { part->core.start(); });
}

void sim_node::die() {
  around_.around.end_life(life_);
}

bool sim_node::counts_in(origin_id who) const {
  const auto all = report().members;
  return std::ranges::any_of(
      all, [&](const member_report& x) { return x.origin == who; });
}

std::size_t sim_node::stubs() const {
  std::size_t all = 0;
  for (const auto& part : shards_)
    all += part->core.keys().stubs();
  return all;
}

panal::answer sim_node::look(const std::string& key) {
  operation op;
  op.key = key;
  return shards_[shard_of(key_hash(key), shards_.size())]
      ->core.keys()
      .apply(op)
      .reply;
}

knowledge sim_node::knows() const {
  knowledge all;
  for (const auto& part : shards_)
    all |= part->mem;
  return all;
}

} // namespace panal::sim
