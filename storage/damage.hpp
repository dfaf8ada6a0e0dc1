#pragma once

// What a store says of rows that do not read back as they were written.

#include "storage/change.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace panal {

/// What cannot be read.
enum class damaged : std::uint8_t {
  /// The state of a key that is known.
  entry,
  /// A key, and its state: the bytes at hand are the key's or the key's sum
  /// is, and it is not known which.
  key,
  /// A row of the journal that is not there: some key's newest state.
  missing,
  fact,
  run,
  member,
  cursor,
  /// A write that was to be issued anew.
  reissue,
  /// A number of the data directory's own, such as where folding stands.
  number,
};

/// The name of it in logs: "entry".
std::string_view to_string(damaged what) noexcept;

/// One row that cannot be read.
struct damaged_row {
  damaged what = damaged::entry;
  /// Of `entry`, `key` and `missing`: the row's place in the sequence.
  position at = 0;
  /// Of `entry` the key; of `key` what is at hand of it.
  std::string key;
  /// Of `entry` and `key`: the key's sum as it stands in the row.
  std::uint32_t key_sum = 0;

  friend bool operator==(const damaged_row&, const damaged_row&) = default;
};

using damage_visitor = std::function<void(const damaged_row&)>;

} // namespace panal
