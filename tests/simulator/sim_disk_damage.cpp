// Rows that a simulated disk gives back otherwise than it took them.

#include "storage/checksum.hpp"
#include "tests/simulator/sim_disk.hpp"

#include <algorithm>

namespace panal::sim {

std::vector<change> sim_disk::all_rows() {
  return *behind_.read_after(0, {operations_max * 64, std::size_t{1} << 30});
}

void sim_disk::forget_damage() {
  bad_rows_.clear();
  bad_facts_.clear();
  dropped_facts_.clear();
}

result<void> sim_disk::load(const visitor& visit,
                            const damage_visitor& damage) {
  const auto done = behind_.load(
      [&](std::string_view key, std::string_view entry, position at) {
        const auto bad = bad_rows_.find(at);
        if (bad == bad_rows_.end())
          return visit(key, entry, at);
        // Of a damaged key some other bytes are at hand.
        std::string at_hand{key};
        if (bad->second == damaged::key)
          at_hand += '?';
        damage({bad->second, at, at_hand, key_sum(key)});
      },
      damage);
  for (std::size_t i = 0; i < bad_facts_.size(); ++i)
    damage({damaged::fact, 0, {}, 0});
  return done;
}

result<fact_map> sim_disk::facts() {
  auto all = behind_.facts();
  std::erase_if(*all, [this](const auto& each) {
    return bad_facts_.contains(each.first)
           || dropped_facts_.contains(each.first);
  });
  return all;
}

result<void> sim_disk::drop_damaged_notes() {
  dropped_facts_.merge(bad_facts_);
  bad_facts_.clear();
  return {};
}

result<std::vector<change>> sim_disk::read_after(position after,
                                                 read_limits limits) {
  if (!readable_)
    return error{errc::storage_failed, "the simulated disk cannot be read"};
  auto found = behind_.read_after(after, limits);
  if (bad_rows_.empty() || !found)
    return found;
  auto& rows = *found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto bad = bad_rows_.find(rows[i].at);
    if (bad == bad_rows_.end())
      continue;
    const auto later =
        *behind_.read_after(rows[i].at, {~std::size_t{0}, ~std::size_t{0}});
    const change* newest = nullptr;
    for (const auto& row : later)
      if (row.key == rows[i].key)
        newest = &row;
    const bool stands_in = bad->second == damaged::entry && newest != nullptr
                           && !bad_rows_.contains(newest->at);
    if (stands_in) {
      rows[i].entry = newest->entry;
      rows[i].source = own_change;
      continue;
    }
    if (i == 0)
      return error{errc::corrupt, "a damaged row"};
    rows.resize(i);
  }
  return found;
}

} // namespace panal::sim
