// Faults that are aimed: at one machine, at one moment, at one write.

#include "tests/simulator/cluster_parts.hpp"

#include <algorithm>

namespace panal::sim {

namespace {

/// What is aimed at, more often what happens seldom.
constexpr std::array aims{
    disk_write::append, disk_write::clear,   disk_write::clear,
    disk_write::fold,   disk_write::cursor,  disk_write::member,
    disk_write::member, disk_write::fact,    disk_write::fact,
    disk_write::run,    disk_write::rebirth, disk_write::rebirth,
    disk_write::reissue};

/// So many of these that the first is not always the one.
bool is_frequent(disk_write kind) {
  return kind == disk_write::append || kind == disk_write::fold
         || kind == disk_write::cursor || kind == disk_write::fact;
}

/// Worlds in which somebody new meets one member alone.
constexpr double newcomers = 0.05;

} // namespace

void cluster::draw_faults() {
  auto& r = around.random;
  auto& w = weather_;
  w.aims = r.chance(0.35);
  if (r.chance(0.2)) {
    w.victim = r.below(machines_.size());
    for (auto& at : w.moments)
      at = r.between(300 * millisecond, w.length);
    w.faults += 2;
  }
  if (machines_.size() > 2 && r.chance(newcomers))
    draw_newcomer();
}

void cluster::draw_newcomer() {
  auto& r = around.random;
  newcomer late;
  late.index = machines_.size() - 1;
  late.host = r.below(late.index);
  late.comes_at = r.between(300 * millisecond, 1'500 * millisecond);
  late.host_crashes_at =
      late.comes_at + r.between(150 * millisecond, 1'200 * millisecond);
  weather_.length = std::max(weather_.length, 6 * second);
  weather_.late = late;
}

void cluster::equip(sim_disk& disk) {
  if (weather_.power)
    disk.watch_power(around.random.chance(0.5) ? 0
                                               : 1 + around.random.below(20));
}

sim_time cluster::moment_of_fault() {
  auto& r = around.random;
  if (!weather_.victim)
    return r.between(300 * millisecond, weather_.length);
  return weather_.moments[r.below(weather_.moments.size())]
         + r.between(0, 400 * millisecond);
}

void cluster::schedule_faults() {
  auto& r = around.random;
  if (weather_.damages)
    weather_.faults = std::max<std::size_t>(weather_.faults, 4);
  for (std::size_t i = 0; i < weather_.faults; ++i)
    around.at(moment_of_fault(), nature, [this] { fault_step(); });
  // The first meetings are over before the first fault, mostly.
  if (weather_.aims && r.chance(0.4))
    aim_fault(r.below(machines_.size()));
  if (weather_.late)
    bring_newcomer();
  for (std::size_t i = 0; weather_.loners && i < machines_.size(); ++i)
    if (r.chance(0.6))
      begin_alone(i);
  for (const auto when : weather_.losses)
    around.at(when, nature, [this] { lose_disks(); });
  if (weather_.lies_at != 0)
    around.at(weather_.lies_at, nature,
              [this] { corrupt_line(around.random.below(machines_.size())); });
}

/// A full disk is emptied some time.
void cluster::fill_disk(std::size_t index) {
  around.at(around.now() + around.random.between(100 * millisecond, 2 * second),
            nature, [this, index] { machines_[index].disk->heal(); });
}

/// The disk fills up while the node is down; it may crash again before there is
/// room.
void cluster::start_on_full_disk(std::size_t index) {
  auto& r = around.random;
  crash_for(index, 10 * millisecond, 500 * millisecond);
  machines_[index].disk->set_full(true);
  say("the disk of " + machines_[index].name + " is full");
  const auto freed = r.between(600 * millisecond, 3 * second);
  around.at(around.now() + freed, nature,
            [this, index] { machines_[index].disk->heal(); });
  if (r.chance(0.5))
    around.at(around.now() + r.between(500 * millisecond, freed), nature,
              [this, index] {
                if (!healing_)
                  crash_for(index, 10 * millisecond, 2 * second);
              });
}

/// For a while nothing can be read for peers, nor what is to be issued anew.
void cluster::hide_rows(std::size_t index) {
  machines_[index].disk->set_readable(false);
  say("the disk of " + machines_[index].name + " cannot be read");
  around.at(around.now() + around.random.between(100 * millisecond, 2 * second),
            nature,
            [this, index] { machines_[index].disk->set_readable(true); });
}

void cluster::crash_for(std::size_t index, sim_time least, sim_time most) {
  crash(index, around.random.chance(0.3));
  around.at(around.now() + around.random.between(least, most), nature,
            [this, index] { start(index); });
}

void cluster::lose_power(std::size_t index) {
  auto& m = machines_[index];
  say(m.name + " loses its power");
  crash(index, true);
  const auto left = m.disk->after_power_loss();
  auto kept = left->knows.seen();
  for (const auto& write : *left->reissues())
    kept |= named_in(write.entry);
  excuse_rollback(index, kept, ops.flushed());
  m.disk->lose_power();
  around.at(around.now() + around.random.between(10 * millisecond, 3 * second),
            nature, [this, index] { start(index); });
}

void cluster::aim_fault(std::size_t index) {
  auto& r = around.random;
  aimed_fault at;
  at.at = aims[r.below(aims.size())];
  at.nth = is_frequent(at.at) ? 1 + r.below(6) : 1 + r.below(2);
  at.then = static_cast<disk_fault>(r.below(3));
  aim(index, at);
}

void cluster::aim(std::size_t index, const aimed_fault& at) {
  machines_[index].disk->aim(at, [this, index](disk_fault then) {
    if (healing_)
      return;
    say("an aimed fault strikes " + machines_[index].name);
    if (then == disk_fault::full)
      fill_disk(index);
    if (then == disk_fault::crash)
      around.at(around.now(), nature, [this, index] {
        if (weather_.power && around.random.chance(0.5))
          lose_power(index);
        else
          crash_for(index, 10 * millisecond, 2 * second);
      });
  });
}

void cluster::cut_from_others(std::size_t index, std::size_t but) {
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (i != index && i != but) {
      cuts_.insert({index, i});
      cuts_.insert({i, index});
    }
}

/// A node that had no peers is given some.
void cluster::begin_alone(std::size_t index) {
  machines_[index].is_clustered = false;
  around.at(around.random.between(500 * millisecond, weather_.length), nature,
            [this, index] {
              say(machines_[index].name + " becomes a member");
              machines_[index].is_clustered = true;
              if (machines_[index].is_up())
                crash_for(index, millisecond, 100 * millisecond);
            });
}

/// Somebody new meets one member alone, whose disk does not take it. Both
/// crash or are cut off, and that member meets the others without it.
void cluster::bring_newcomer() {
  const auto late = *weather_.late;
  around.at(late.comes_at, nature, [this, late] {
    if (healing_)
      return;
    cut_from_others(late.index, late.host);
    cut_from_others(late.host, late.index);
    aim(late.host,
        {disk_write::member, 1,
         around.random.chance(0.5) ? disk_fault::full : disk_fault::fails});
    start(late.index);
  });
  around.at(late.host_crashes_at, nature, [this, late] {
    if (healing_)
      return;
    crash_for(late.host, 10 * millisecond, 300 * millisecond);
    cuts_.clear();
    cut_from_others(late.index, late.index);
  });
}

} // namespace panal::sim
