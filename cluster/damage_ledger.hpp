#pragma once

// What a start makes of damaged rows: which keys cannot be read, and whether
// more was lost than that.

#include "storage/change.hpp"
#include "storage/damage.hpp"
#include "storage/unreadable_keys.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// Filled in the order in which a store visits its rows. Costs nothing while
/// nothing is damaged.
class damage_ledger {
public:
  /// A damaged row.
  void add(const damaged_row& row);
  /// A whole row: it stands in for damaged ones of its key.
  void whole(std::string_view key);
  /// A clear-all of this node's own: nothing that stood before it matters.
  void cleared();

  /// Keys whose newest row is damaged, with that row's place.
  void tell(unreadable_keys& to) const;
  std::size_t keys() const noexcept { return entries_.size(); }

  /// How many rows were lost of which it is not known what they held, or that
  /// tell of the cluster: they cannot be fetched one by one.
  std::size_t rows() const noexcept;
  /// How many of a kind there are.
  std::size_t count(damaged what) const noexcept;
  /// "2 key, 1 fact".
  std::string text() const;

private:
  bool is_clean() const noexcept { return total_ == 0; }

  std::size_t total_ = 0;
  std::map<std::string, position, std::less<>> entries_;
  /// Rows whose key cannot be read.
  std::vector<damaged_row> unnamed_;
  std::size_t missing_ = 0;
  /// Of notes, by kind.
  std::map<damaged, std::size_t> notes_;
};

} // namespace panal
