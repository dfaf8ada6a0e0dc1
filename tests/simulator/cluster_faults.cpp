// What happens to simulated machines, and what it excuses.

#include "tests/simulator/cluster_parts.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

namespace {

/// The one whose disk is not what it should be, where there is one.
constexpr std::size_t damaged_machine = 1;

} // namespace

op_set cluster::named_in(std::string_view encoded) const {
  op_set found;
  const auto note = [&](const stamp& at) {
    if (const auto op = ops.find(at))
      found.set(*op);
  };
  note(floor_of(encoded));
  put_headers puts{encoded};
  for (put_header put; puts.next(put);)
    note(put.at);
  return found;
}

void cluster::excuse_rollback(std::size_t index, const op_set& kept,
                              const op_set& bound) {
  const auto elsewhere = kept | held_but_by(index);
  const auto held = held_on(*machines_[index].disk);
  rolled_back_ |= held & ~kept;
  for_each(held & ~elsewhere & ~bound, [this](op_id op) { ops.excuse(op); });
}

void cluster::excuse_rebirth(std::size_t index, const op_set& held,
                             const op_set& kept, origin_id own) {
  rolled_back_ |= held & ~kept;
  const auto elsewhere = kept | held_but_by(index);
  for_each(ops.promised() & ~elsewhere, [&](op_id op) {
    if (ops[op].name.origin != own)
      ops.excuse(op);
  });
}

void cluster::cut_something() {
  auto& r = around.random;
  const auto a = r.below(machines_.size());
  const auto b = r.below(machines_.size());
  if (a == b)
    return;
  const bool one_way = r.chance(0.3);
  std::vector<std::pair<std::size_t, std::size_t>> cut{{a, b}};
  if (!one_way)
    cut.emplace_back(b, a);
  if (r.chance(0.3)) // one machine from all others, link after link
    for (std::size_t i = 0; i < machines_.size(); ++i)
      if (i != a) {
        cut.emplace_back(a, i);
        cut.emplace_back(i, a);
      }
  say("cut " + machines_[a].name + " " + machines_[b].name);
  const auto length = r.between(200 * millisecond, 4 * second);
  for (const auto& pair : cut) {
    const auto begin = around.now() + r.between(0, 300 * millisecond);
    around.at(begin, nature, [this, pair] {
      if (!healing_)
        cuts_.insert(pair);
    });
    around.at(begin + length, nature, [this, pair] { cuts_.erase(pair); });
  }
}

void cluster::restore_backup(std::size_t index) {
  auto& m = machines_[index];
  if (!m.backup)
    return;
  crash(index);
  excuse_rollback(index, m.backup->knows.seen());
  m.disk = m.backup->copy();
  equip(*m.disk);
  say(m.name + " is restored from a backup");
  around.at(around.now() + 100 * millisecond, nature,
            [this, index] { start(index); });
}

void cluster::copy_directory(std::size_t index) {
  // One copy a world: see docs/reliability.md.
  if (std::exchange(has_copy_, true))
    return;
  say(machines_[index].name + " is copied");
  add_machine(machines_[index].disk->copy());
  start(machines_.size() - 1);
}

// One disk of a world: what is lost on two at once may be lost for good.
void cluster::damage_disk(std::size_t index) {
  auto& r = around.random;
  auto& m = machines_[index];
  crash_for(index, 10 * millisecond, 2 * second);
  if (r.chance(0.15)) {
    say(m.name + " has a damaged fact");
    m.disk->damage_fact(r.chance(0.5) ? fact::line : fact::promised);
    return;
  }
  const auto rows = m.disk->all_rows();
  if (rows.empty())
    return;
  const auto& row = rows[r.below(rows.size())];
  const auto what = r.chance(0.2) ? damaged::key : damaged::entry;
  say(m.name + " has a damaged " + std::string{to_string(what)} + " of "
      + row.key + " at " + std::to_string(row.at));
  m.disk->damage_row(row.at, what);
  const bool is_newest = std::ranges::none_of(rows, [&](const change& other) {
    return other.key == row.key && other.at > row.at;
  });
  if (!is_newest)
    return; // what is lost is in a newer row too
  // With a key's newest state it is lost what that had superseded.
  auto lost = named_in(row.entry);
  if (!row.key.empty())
    for_each(ops.about(static_cast<unsigned>(row.key.at(1) - '0')),
             [&](op_id op) {
               if (ops[op].what != deed::clear)
                 lost.set(op);
             });
  excuse_rollback(index, m.disk->knows.seen() & ~lost);
  for (auto& of : m.disk->knows.of) {
    const auto kept = of.seen & ~lost;
    of = {};
    for_each(kept, [&](op_id op) { of |= ops.knows(op); });
  }
}

/// Whoever was forgotten is not asked to forget others: what only the two held
/// would be gone (docs/reliability.md).
bool cluster::was_forgotten(std::size_t index) {
  const auto origin = machines_[index].disk->origin();
  return std::ranges::any_of(machines_, [&](const machine& m) {
    const auto known = m.disk->members();
    return known && std::ranges::any_of(*known, [&](const member& who) {
             return who.origin == origin && who.forgotten != 0;
           });
  });
}

void cluster::fault_step() {
  auto& r = around.random;
  if (healing_)
    return;
  const auto index = weather_.victim && r.chance(0.8)
                         ? *weather_.victim
                         : r.below(machines_.size());
  if (weather_.aims && r.chance(0.5))
    return aim_fault(index);
  if (weather_.power && r.chance(0.25))
    return lose_power(index);
  // Not where a newcomer has one acquaintance: if that starts over before it
  // has told of it, the others draw a line without it (docs/reliability.md).
  if (weather_.damages && !weather_.late && r.chance(0.3))
    return damage_disk(damaged_machine);
  auto& m = machines_[index];
  switch (r.below(16)) {
  case 0:
  case 1:
  case 2:
    crash_for(index, 10 * millisecond, 3 * second);
    break;
  case 3:
  case 4:
  case 5:
    cut_something();
    break;
  case 6:
    if (m.is_up()) {
      say(m.name + " pauses");
      around.pause(m.node->life(),
                   around.now() + r.between(100 * millisecond, 4 * second));
    }
    break;
  case 7:
    m.disk->set_full(true);
    fill_disk(index);
    break;
  case 8:
    m.disk->fail_write(1 + r.below(6));
    break;
  case 9:
    m.backup = m.disk->copy();
    say(m.name + " is backed up");
    break;
  case 10:
    if (weather_.skew) {
      m.clock->set_offset(r.chance(0.5) ? r.between(-2'000, 2'000)
                                        : r.between(-3'600'000, 3'600'000));
      say(m.name + " has its clock set");
    }
    break;
  case 11:
    if (weather_.restores)
      restore_backup(index);
    break;
  case 12:
    if (weather_.copies)
      copy_directory(index);
    break;
  case 13:
    start_on_full_disk(index);
    break;
  case 14:
    hide_rows(index);
    break;
  default:
    if (weather_.forgets && machines_.size() > 2) {
      // Away, forgotten, and back when tombstones may be gone.
      crash(index);
      around.at(around.now() + 2'500 * millisecond, nature, [this, index] {
        for (std::size_t i = 0; i < machines_.size(); ++i)
          if (i != index && machines_[i].is_up() && !was_forgotten(i))
            return machines_[i].node->forget(machines_[index].name);
      });
      around.at(around.now() + r.between(3, 8) * second, nature,
                [this, index] { start(index); });
    }
    break;
  }
}

void cluster::heal() {
  healing_ = true;
  say("healing");
  cuts_.clear();
  const auto length = weather_.length;
  weather_ = {};
  weather_.length = length;
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    if (machines_[i].lies)
      lose_disk(i);
    machines_[i].disk->heal();
    machines_[i].clock->set_offset(
        machines_[i].clock->offset() > 60'000
                || machines_[i].clock->offset() < -60'000
            ? around.random.between(-100, 100)
            : std::clamp<unix_ms>(machines_[i].clock->offset(), -300, 300));
    if (!std::exchange(machines_[i].is_clustered, true))
      crash(i);
    start(i);
  }
}

} // namespace panal::sim
