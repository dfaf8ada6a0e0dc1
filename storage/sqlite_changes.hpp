#pragma once

// Reads the change log of the SQLite store: entries, damaged rows that folding
// has set aside, and the journal, as one sequence by position. Looks at each
// row's checksum on the way.

#include "storage/sqlite_handle.hpp"
#include "storage/store.hpp"

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace panal::sqlite {

/// A row of the change log as it stands on disk. Views die with the next row.
struct stored_row {
  position at = 0;
  std::string_view key;
  std::string_view entry;
  origin_id source = own_change;
  /// What cannot be read of it; nothing if it is whole.
  std::optional<damaged> damage;
  /// The key's sum as it stands in the row.
  std::uint32_t key_sum = 0;
};

/// Reads the columns position, key, entry, source, checksum.
stored_row row_of(const statement& found);

/// The damage of a row, for those who are to hear of it.
damaged_row damage_of(const stored_row& row);

/// Where the change log stands.
struct log_ends {
  position folded = 0;
  position last = 0;
};

/// Used by the thread that uses its connection.
class change_reader {
public:
  /// @param db  outlives this.
  static result<change_reader> prepare(const connection& db);

  /// See store::load, of the changes alone.
  result<void> load(const log_ends& ends, const store::visitor& visit,
                    const damage_visitor& damage);
  result<std::vector<change>> read_after(const log_ends& ends, position after,
                                         const read_limits& limits);

  /// Notes a damaged row for take_damage().
  void met(const damaged_row& row);
  std::vector<damaged_row> take_damage() { return std::exchange(met_, {}); }

  /// Damaged rows may stand on the shelf.
  bool has_shelf() const noexcept { return has_shelf_; }
  void shelf_changed() noexcept { has_shelf_ = true; }
  /// Entries whose key cannot be read, as the last load() has found them: the
  /// keys' sums and the rows' positions.
  std::vector<damaged_row> unnamed_entries;

private:
  /// Returns false to end a walk.
  using row_visitor = std::function<bool(const stored_row&)>;

  explicit change_reader(const connection& db) : db_{&db} {}

  result<void> walk(const log_ends& ends, position after,
                    const row_visitor& visit);
  result<std::vector<damaged_row>> read_shelf();
  std::optional<change> newest_after(const stored_row& row);

  const connection* db_;
  statement entries_, journal_, shelf_, newer_entry_, newer_change_;
  bool has_shelf_ = true;
  std::vector<damaged_row> met_;
  /// Positions of all that met() was told of.
  std::set<position> known_;
};

} // namespace panal::sqlite
