// Machines that lose their disks, and one whose disk lies about its line.

#include "tests/simulator/cluster_parts.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

cluster_identity cluster::identity_of(std::size_t index) const {
  const auto& m = machines_[index];
  if (m.is_up())
    return m.node->core().identity();
  auto facts = *m.disk->facts();
  return {facts[fact::cluster_born], facts[fact::cluster_id]};
}

// Who has marked nothing yet cannot tell a lie: nobody is to join where one is
// told.
void cluster::draw_losses() {
  auto& r = around.random;
  auto& w = weather_;
  const bool joins_late = w.restores || w.copies || w.forgets || w.power
                          || w.loners || w.late || w.skew;
  if (!joins_late && r.chance(0.1)) {
    w.length = std::max(w.length, 6 * second);
    w.lies_at = r.between(4 * second, w.length);
    return;
  }
  // Not beside damaged rows: where all disks but one are lost, and that one is
  // damaged, nobody is left who knows better (docs/reliability.md).
  if (!r.chance(0.2) || w.damages)
    return;
  w.length = std::max(w.length, r.between(5, 9) * second);
  // Once mostly; twice, and a cluster that was born of a loss loses some too.
  const auto times = r.chance(0.7) ? 1U : 2U;
  for (unsigned i = 0; i < times; ++i)
    w.losses.push_back(r.between(second, w.length - second));
}

// What waits to be issued anew has superseded its past.
op_set cluster::held_on(sim_disk& disk) const {
  auto held = disk.knows.seen();
  for (const auto& write : *disk.reissues())
    for_each(named_in(write.entry),
             [&](op_id op) { held |= ops.knows(op).seen; });
  return held;
}

op_set cluster::held_but_by(std::size_t index) const {
  op_set held;
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (i != index)
      held |= held_on(*machines_[i].disk);
  return held;
}

void cluster::lose_disk(std::size_t index) {
  crash(index);
  auto& m = machines_[index];
  const auto held = held_on(*m.disk);
  const auto elsewhere = held_but_by(index);
  excuse_rollback(index, {}, {});
  // What only this disk held may have been all that was left of others.
  for_each(ops.promised() & ~elsewhere, [&](op_id op) {
    if (is_moot(ops, held, op) && !is_moot(ops, elsewhere, op))
      ops.excuse(op);
  });
  // It may be that nobody else has flushed them.
  ops.unflush(held);
  m.disk = std::make_unique<sim_disk>(fresh_origin());
  m.lies = false;
  m.joined_above = ~std::uint64_t{0}; // until it has joined again
  equip(*m.disk);
  say(m.name + " has lost its disk");
}

// Any of them, at once, and all come back in any order: those without a disk
// may have been a cluster of their own for a while when the others return.
void cluster::lose_disks() {
  auto& r = around.random;
  if (healing_)
    return;
  const bool all_end = r.chance(0.7);
  const auto first = r.below(machines_.size());
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    const bool is_lost = i == first || r.chance(0.5);
    if (!is_lost && !all_end)
      continue;
    if (is_lost)
      lose_disk(i);
    crash_for(i, 10 * millisecond, r.chance(0.5) ? second : 5 * second);
  }
}

// As one damaged bit does: it stays so until the disk is replaced.
void cluster::corrupt_line(std::size_t index) {
  auto& m = machines_[index];
  const auto line = (*m.disk->facts())[fact::line];
  if (healing_ || line == 0 || has_liar_)
    return;
  has_liar_ = m.lies = true;
  crash(index);
  m.disk->heal();
  const auto ahead = around.random.between(1, 3'600'000);
  static_cast<void>(
      m.disk->save_fact(fact::line, hlc_at(m.clock->now() + ahead)));
  say(m.name + " claims a line that is not");
  around.at(around.now() + 100 * millisecond, nature,
            [this, index] { start(index); });
}

bool cluster::is_one_cluster(std::size_t a, std::size_t b) const {
  return identity_of(a) == identity_of(b);
}

void cluster::judge_giving_way(std::size_t at, const cluster_identity& to) {
  const auto own = identity_of(at);
  if (own && own < to)
    violated("identity: " + machines_[at].name
             + " gives way to a cluster that was born later");
}

void cluster::judge_drawing(std::size_t at) {
  if (!identity_of(at))
    violated("identity: " + machines_[at].name
             + " draws a line and belongs to no cluster");
}

} // namespace panal::sim
