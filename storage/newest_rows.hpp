#pragma once

// Which of a store's rows is its key's newest one, for a look at the final
// states in one pass: load() visits a key that has changed since it was folded
// more than once. Holds no keys and no entries, and nothing of what is folded.

#include "storage/store.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace panal {

class newest_rows {
public:
  /// Knows of no rows yet.
  explicit newest_rows(const store& disk);
  /// A row that load() visits.
  void note(std::string_view key, position at);

  /// A row that it cannot read: what stood there before is the newest no more.
  void note_damaged(const damaged_row& row);
  /// To be asked once all rows are noted.
  /// @param at  where load() says that the row of `key` stands.
  bool is_newest(std::string_view key, position at) const noexcept;

  /// Keys that the journal holds.
  std::size_t size() const noexcept { return last_.size(); }

private:
  /// 128 bits: no two keys share them.
  using name = std::pair<std::uint64_t, std::uint64_t>;
  static name name_of(std::string_view key) noexcept;

  /// Rows up to here stand in the entries, a key once.
  position folded_;
  boost::unordered_flat_map<name, position> last_;
  /// By the sum of a key that cannot be read: its newest row.
  boost::unordered_flat_map<std::uint64_t, position> lost_;
};

} // namespace panal
