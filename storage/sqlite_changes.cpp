#include "storage/sqlite_changes.hpp"

#include "storage/checksum.hpp"
#include "storage/sqlite_sql.hpp"

#include <algorithm>
#include <utility>

namespace panal::sqlite {

namespace {

/// Before every position that a row can have, a damaged one's too: SQLite
/// compares signed numbers.
constexpr position lowest = position{1} << 63;

/// Most damaged rows that are remembered as told.
constexpr std::size_t met_max = 10'000;

stored_row view_of(const damaged_row& row) {
  return {row.at, row.key, {}, own_change, row.what, row.key_sum};
}

} // namespace

stored_row row_of(const statement& found) {
  stored_row row{
      found.bits(0),          found.bytes(1), found.bytes(2), found.bits(3), {},
      key_part(found.bits(4))};
  const auto sum = row_sum(row.at, row.key, row.entry, row.source);
  if (sum != found.bits(4))
    row.damage = key_part(sum) == row.key_sum ? damaged::entry : damaged::key;
  return row;
}

damaged_row damage_of(const stored_row& row) {
  return {*row.damage, row.at, std::string{row.key}, row.key_sum};
}

result<change_reader> change_reader::prepare(const connection& db) {
  change_reader made{db};
  auto prepared = db.prepare({{&made.entries_, sql::read_entries},
                              {&made.journal_, sql::read_journal},
                              {&made.shelf_, sql::read_shelf},
                              {&made.newer_entry_, sql::read_newer_entry},
                              {&made.newer_change_, sql::read_newer_change}});
  if (!prepared)
    return prepared.error();
  return made;
}

void change_reader::met(const damaged_row& row) {
  if (known_.size() < met_max && known_.insert(row.at).second)
    met_.push_back(row);
}

result<std::vector<damaged_row>> change_reader::read_shelf() {
  std::vector<damaged_row> all;
  rows found{shelf_};
  while (found.next()) {
    const auto at = found->bits(0);
    const auto key = found->bytes(1);
    const auto was = found->bits(2);
    auto what = damaged::key;
    if (key.empty() && was == 0)
      what = damaged::missing;
    else if (sum_of(at, key, was) == found->bits(3)
             && key_sum(key) == key_part(was))
      what = damaged::entry;
    all.push_back({what, at, std::string{key}, key_part(was)});
  }
  if (!found.complete())
    return db_->failure("reading damaged rows");
  return all;
}

result<void> change_reader::walk(const log_ends& ends, position after,
                                 const row_visitor& visit) {
  std::vector<damaged_row> shelf;
  if (has_shelf_) {
    auto read = read_shelf();
    if (!read)
      return read.error();
    shelf = std::move(*read);
    has_shelf_ = !shelf.empty();
  }
  const bool from_start = after == lowest;
  auto next = std::ranges::find_if(
      shelf, [&](const auto& row) { return from_start || row.at > after; });
  const auto pass_shelf = [&](position upto) {
    for (; next != shelf.end() && next->at <= upto; ++next)
      if (!visit(view_of(*next)))
        return false;
    return true;
  };
  if (from_start || after < ends.folded) {
    rows found{entries_.bind(1, after)};
    while (found.next()) {
      const auto row = row_of(*found.operator->());
      if (!pass_shelf(row.at) || !visit(row))
        return {};
    }
    if (!found.complete())
      return db_->failure("reading entries");
  }
  if (!pass_shelf(~position{0}))
    return {};
  auto expected = (from_start ? ends.folded : std::max(after, ends.folded)) + 1;
  rows found{journal_.bind(1, after)};
  while (found.next()) {
    const auto row = row_of(*found.operator->());
    // One for each gap: what is lost there is not known any better.
    if (row.at > expected
        && !visit({expected, {}, {}, own_change, damaged::missing, 0}))
      return {};
    expected = row.at + 1;
    if (!visit(row))
      return {};
  }
  if (!found.complete())
    return db_->failure("reading the journal");
  return {};
}

result<void> change_reader::load(const log_ends& ends,
                                 const store::visitor& visit,
                                 const damage_visitor& damage) {
  unnamed_entries.clear();
  return walk(ends, lowest, [&](const stored_row& row) {
    if (!row.damage) {
      visit(row.key, row.entry, row.at);
      return true;
    }
    known_.insert(row.at);
    if (*row.damage == damaged::key && row.at <= ends.folded)
      unnamed_entries.push_back(damage_of(row));
    damage(damage_of(row));
    return true;
  });
}

result<std::vector<change>>
change_reader::read_after(const log_ends& ends, position after,
                          const read_limits& limits) {
  std::vector<change> read;
  std::size_t bytes = 0;
  position blocked = 0;
  const auto take = [&](position at, std::string_view key,
                        std::string_view entry, origin_id source) {
    bytes += key.size() + entry.size();
    if (read.size() >= limits.changes_max
        || (!read.empty() && bytes > limits.bytes_max))
      return false;
    read.push_back({at, std::string{key}, std::string{entry}, source});
    return true;
  };
  auto walked = walk(ends, after, [&](const stored_row& row) {
    if (!row.damage)
      return take(row.at, row.key, row.entry, row.source);
    met(damage_of(row));
    if (const auto newer = newest_after(row))
      return take(row.at, newer->key, newer->entry, own_change);
    blocked = row.at;
    return false;
  });
  if (!walked)
    return walked.error();
  if (blocked != 0 && read.empty())
    return error{errc::corrupt,
                 "the row at " + std::to_string(blocked) + " is damaged"};
  return read;
}

// The journal has the newest.
std::optional<change> change_reader::newest_after(const stored_row& row) {
  if (*row.damage != damaged::entry)
    return std::nullopt;
  for (auto* from : {&newer_change_, &newer_entry_}) {
    rows found{from->bind(1, row.at).bind(2, row.key)};
    // A damaged row is newer still: what is whole below it is not the newest.
    if (!found.next())
      continue;
    const auto newer = row_of(*found.operator->());
    if (newer.damage)
      return std::nullopt;
    return change{newer.at, std::string{newer.key}, std::string{newer.entry},
                  own_change};
  }
  return std::nullopt;
}

} // namespace panal::sqlite
