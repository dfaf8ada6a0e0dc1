// A seed's world from its beginning to its verdict.

#include "tests/simulator/cluster_parts.hpp"

#include <cstdio>
#include <utility>

namespace panal::sim {

namespace {

/// Clocks that agree this well are right for the checks of the end.
constexpr sim_time patience = 180 * second;
constexpr sim_time poll_pause = 500 * millisecond;
constexpr sim_time after_agreement = 4 * second;

} // namespace

cluster::cluster(std::uint64_t seed, bool verbose)
    : around{seed}, seed_{seed}, verbose_{verbose} {
  draw_weather();
}

cluster::~cluster() = default;

void cluster::say(const std::string& what) const {
  if (verbose_)
    std::printf("%10.3f ms  %s\n", static_cast<double>(around.now()) / 1e3,
                what.c_str());
}

void cluster::violated(std::string what) {
  say("VIOLATION " + what);
  if (violation_.empty())
    violation_ = std::move(what);
}

void cluster::shares_stamps() {
  // So can a restart with an earlier clock, of writes that failed before.
  if (had_twins_ || had_skew_)
    is_void_ = true;
  else
    violated("differing: one stamp names two writes");
}

void cluster::draw_weather() {
  auto& r = around.random;
  auto& w = weather_;
  if (r.chance(0.6)) {
    w.loss = r.chance(0.5) ? static_cast<double>(r.below(31)) / 100 : 0;
    w.duplicates = r.chance(0.5) ? static_cast<double>(r.below(51)) / 100 : 0;
    w.reorders = r.chance(0.5) ? 0.3 : 0;
    w.replays = r.chance(0.4) ? 0.05 : 0;
  }
  w.nonsense = r.chance(0.1) ? 0.02 : 0;
  w.delay_max = r.chance(0.3) ? 300 * millisecond : 5 * millisecond;
  w.length = r.between(2, 7) * second;
  w.operations = 30 + r.below(60);
  w.keys = static_cast<unsigned>(2 + r.below(4));
  w.ttl = r.chance(0.7) ? 0.3 : 0;
  w.clears = r.chance(0.3) ? 0.04 : 0;
  w.faults = r.below(9);
  w.skew = r.chance(0.35);
  w.restores = r.chance(0.2);
  w.copies = r.chance(0.08);
  // Not both: what only a copy and a member hold, and the member is forgotten
  // while it is alive, is gone (docs/reliability.md).
  w.forgets = r.chance(0.12) && !w.copies;
  w.power = r.chance(0.12);
  w.levels = r.chance(w.power ? 0.7 : 0.3);
  w.damages = had_damage_ =
      seed_ % 5 == 2 && !w.copies && !w.restores && !w.forgets && !w.power;
  had_skew_ = w.skew;
  had_expiries_ = w.ttl > 0; // stubs go at different times, and are compared
  had_twins_ = w.copies || w.restores || w.power;
  had_forgets_ = w.forgets;
  options_.shards = r.chance(0.5) ? 1 : r.chance(0.5) ? 2 : 1 + r.below(8);
  options_.pushes = !r.chance(0.06);
  options_.narrow_windows = seed_ % 3 == 0;
  options_.recent_bytes_max = r.chance(0.25) ? 300 : 3'000;
  options_.folds = r.chance(0.25) ? 0.9 : 0.3;
  if (r.chance(0.1))
    options_.memory_bytes_max = 300 + r.below(1'500);
  w.loners = r.chance(0.08);
  if (seed_ % 4 == 1)
    draw_rate();
  const auto count = r.chance(0.85) ? 3 : r.chance(0.7) ? 2 : 4 + r.below(4);
  for (std::size_t i = 0; i < count; ++i)
    add_machine(std::make_unique<sim_disk>(fresh_origin()));
  draw_faults();
  draw_losses();
}

origin_id cluster::fresh_origin() {
  // In any order, so that who dials whom differs.
  return (around.random() << 8) | ++next_origin_;
}

void cluster::add_machine(std::unique_ptr<sim_disk> disk) {
  machine fresh;
  const auto index = machines_.size();
  fresh.address = numbered('m', index) + ":1";
  fresh.name = numbered('n', index);
  fresh.disk = std::move(disk);
  equip(*fresh.disk);
  fresh.clock = std::make_unique<sim_clock>(around);
  machines_.push_back(std::move(fresh));
}

void cluster::start(std::size_t index) {
  auto& m = machines_[index];
  if (m.is_up())
    return;
  m.refused.clear();
  auto options = options_;
  options.is_clustered = m.is_clustered;
  m.node = std::make_unique<sim_node>(*this, index, *m.disk, *m.clock, options);
  if (m.node->is_sound())
    return say(m.name + " starts");
  crash(index);
  around.at(around.now() + 300 * millisecond, nature,
            [this, index] { start(index); });
}

void cluster::crash(std::size_t index, bool silently) {
  auto& m = machines_[index];
  if (!m.is_up())
    return;
  say(m.name + (silently ? " vanishes" : " crashes"));
  m.node->die();
  graves_.push_back(std::move(m.node));
  std::vector<std::uint64_t> broken;
  for (const auto& [id, c] : connections_)
    if (c.a == index || c.b == index)
      broken.push_back(id);
  for (const auto id : broken)
    if (silently)
      connections_.erase(id);
    else
      close(id);
}

void cluster::restart(std::size_t index) {
  ++rebirths_;
  around.at(around.now() + 5 * millisecond, nature, [this, index] {
    crash(index);
    start(index);
  });
}

verdict_of_seed cluster::run() {
  auto& r = around.random;
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (!weather_.late || weather_.late->index != i)
      around.at(r.between(0, r.chance(0.8) ? 100 * millisecond : 2 * second),
                nature, [this, i] { start(i); });
  around.at(r.between(0, second), nature, [this] { client_step(); });
  schedule_faults();
  const auto faults_end = weather_.length + 500 * millisecond;
  while (violation_.empty() && !is_void_ && around.step(faults_end)) {
    static_cast<void>(latest_wall());
  }
  heal();
  const auto healed_at = around.now();
  std::string why;
  auto next = healed_at;
  bool agreed = false;
  while (violation_.empty() && !is_void_ && !agreed
         && next < healed_at + patience) {
    next += poll_pause;
    while (violation_.empty() && around.step(next)) {
      static_cast<void>(latest_wall());
    }
    agreed = agrees(why);
  }
  verdict_of_seed said;
  describe_all();
  if (is_void_) {
    said.seed = seed_;
    return said;
  }
  if (violation_.empty() && !agreed)
    violated("differing: after " + std::to_string(patience / second) + " s "
             + why);
  said.settled_in = around.now() - healed_at;
  if (violation_.empty())
    judge_all();
  if (violation_.empty() && seed_ % 8 == 0) {
    const auto rounds = [this] {
      std::uint64_t all = 0;
      for (const auto& m : machines_)
        all += m.node->report().repaired_keys;
      return all;
    };
    // Agreement may come while much is still under way.
    const auto settled = around.now() + after_agreement;
    while (violation_.empty() && around.step(settled)) {
      // nop
    }
    const auto before = rounds();
    const auto rebirths = rebirths_;
    const auto end = around.now() + after_agreement;
    while (violation_.empty() && around.step(end)) {
      // nop
    }
    // Stubs are collected at different times: that is no difference to last.
    for (int i = 0; i < 10 && violation_.empty() && !agrees(why); ++i)
      while (around.step(end + (i + 1) * poll_pause)) {
        // nop
      }
    // Who rejoins late has a state to be given, some of it by repair.
    if (violation_.empty() && options_.pushes && !had_expiries_
        && rebirths_ == rebirths && rounds() != before)
      violated("differing: repairs go on though all agree");
    if (violation_.empty() && !agrees(why))
      violated("differing: again, " + why);
  }
  said.seed = seed_;
  said.violation = violation_;
  said.events = around.events();
  said.operations = ops.size();
  return said;
}

} // namespace panal::sim
