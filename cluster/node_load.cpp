#include "cluster/node_load.hpp"

#include "storage/checksum.hpp"
#include "storage/key_hash.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace panal {

namespace {

/// Of a run's identity; the rest is the time of its start.
constexpr std::uint64_t run_random_bits = 0xffff;
/// Rows that are folded in one step.
constexpr std::size_t fold_rows = 1'024;

void note_stamps(std::map<origin_id, std::uint64_t>& newest,
                 std::string_view entry) {
  const auto note = [&newest](const stamp& at) {
    if (at != stamp{}) {
      auto& of = newest[at.origin];
      of = std::max(of, at.hlc);
    }
  };
  note(floor_of(entry));
  put_headers puts{entry};
  for (put_header put; puts.next(put);)
    note(put.at);
}

/// Reads what the store keeps beside the keys.
result<void> read_notes(store& disk, loaded_node& into) {
  auto members = disk.members();
  if (!members)
    return members.error();
  auto cursors = disk.cursors();
  if (!cursors)
    return cursors.error();
  auto facts = disk.facts();
  if (!facts)
    return facts.error();
  auto runs = disk.runs();
  if (!runs)
    return runs.error();
  into.known = std::move(*members);
  into.replica.cursors = std::move(*cursors);
  into.replica.facts = std::move(*facts);
  into.replica.runs = std::move(*runs);
  return {};
}

void make_tables(const node_load_config& config, hybrid_clock& time,
                 loaded_node& into) {
  auto bounds = config.tables;
  // Other nodes may hold copies of what this one holds.
  bounds.keeps_tombstones = bounds.keeps_tombstones || !into.known.empty();
  bounds.shards = config.shards;
  bounds.unreadable = config.unreadable;
  for (std::size_t i = 0; i < config.shards; ++i) {
    bounds.shard = i;
    into.tables.push_back(std::make_shared<table>(bounds, time));
  }
}

/// Without peers a delete leaves no tombstone: only folding takes what it has
/// deleted out of the sequence, which now begins to be told.
result<void> fold_all(store& disk) {
  while (disk.journal_rows() > 0)
    if (auto step = disk.fold(fold_rows); !step)
      return step.error();
  return {};
}

/// One row; false if it is not an entry.
bool read_key(std::string_view key, std::string_view entry, origin_id self,
              loaded_node& into) {
  bool is_entry = true;
  if (key != cleared_key)
    is_entry = into.tables[shard_of(key_hash(key), into.tables.size())]->load(
        key, entry);
  else
    for (auto& keys : into.tables)
      is_entry = keys->load(key, entry);
  if (!is_entry)
    return false;
  note_stamps(into.replica.newest_of, entry);
  into.damage.whole(key);
  if (key == cleared_key && floor_of(entry).origin == self)
    into.damage.cleared();
  return true;
}

result<void> read_keys(store& disk, loaded_node& into) {
  const auto self = disk.origin();
  return disk.load(
      [&](std::string_view key, std::string_view entry, position at) {
        if (!read_key(key, entry, self, into))
          into.damage.add({damaged::entry, at, std::string{key}, key_sum(key)});
      },
      [&](const damaged_row& row) { into.damage.add(row); });
}

/// True if other nodes hold copies of what this one holds, and remember it.
bool has_met_others(const loaded_node& made) {
  const auto& own = made.replica;
  const auto lost = [&](damaged what) { return made.damage.count(what) > 0; };
  const bool knows = !made.known.empty() || !own.cursors.empty()
                     || own.runs.size() > own.runs.count(own_change);
  return knows || lost(damaged::member) || lost(damaged::cursor)
         || lost(damaged::run);
}

/// What the damage means for the node's place in its cluster.
void judge_damage(store& disk, const node_load_config& config,
                  loaded_node& made) {
  if (config.unreadable != nullptr)
    made.damage.tell(*config.unreadable);
  made.replica.unreadable = config.unreadable;
  if (made.damage.rows() == 0)
    return;
  if (config.clustered && has_met_others(made)) {
    made.replica.damage = damage_grade::unsound;
    return;
  }
  made.replica.damage = damage_grade::holes;
  // Nobody can give them back: they are told of once, or again if that fails.
  static_cast<void>(disk.drop_damaged_notes());
}

/// @param may_save  false: the run is owed without being tried.
void begin_run(store& disk, std::uint64_t random, hybrid_clock& time,
               bool may_save, loaded_node& into) {
  auto& own = into.replica;
  time.observe({own.facts[fact::promised], 0});
  time.observe({own.facts[fact::line], 0});
  const auto started = time.promise();
  into.run = (started & ~run_random_bits) | (random & run_random_bits) | 1;
  const run_record run{into.run, started, into.last};
  if (!may_save || !disk.add_run(run))
    into.owed_run = run;
  own.run_is_saved = !into.owed_run;
  own.runs[own_change].push_back(run);
}

} // namespace

result<loaded_node> load_node(store& disk, const node_load_config& config,
                              hybrid_clock& time) {
  loaded_node made;
  if (auto read = read_notes(disk, made); !read)
    return read.error();
  // Where the disk refuses to fold, the run is owed: it is saved after folding
  // (owed_notes), and nobody is told anything before.
  bool is_folded = true;
  if (config.tables.keeps_tombstones && made.known.empty()
      && !PANAL_MUTANT(deletes_of_the_lone_told))
    is_folded = bool{fold_all(disk)};
  make_tables(config, time, made);
  if (auto read = read_keys(disk, made); !read)
    return read.error();
  judge_damage(disk, config, made);
  made.last = disk.last_position();
  auto& own = made.replica;
  own.self = {disk.origin(), config.node_name, {}, 0};
  own.cluster = config.cluster_name;
  own.has_data = made.last > 0;
  own.seed = config.random;
  begin_run(disk, config.random, time, is_folded, made);
  for (auto& keys : made.tables)
    keys->set_line(own.facts[fact::line]);
  return made;
}

} // namespace panal
