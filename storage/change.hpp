#pragma once

#include <cstdint>
#include <string>

namespace panal {

/// A place in one node's own sequence of changes. 1 is the first change;
/// 0 stands before it.
using position = std::uint64_t;

/// Identity of a data directory, drawn when it is created: 16 bits of hash of
/// the node's name, 48 random bits (merge-rule: the *origin* of stamps).
using origin_id = std::uint64_t;

/// The source of a change that this node made itself.
inline constexpr origin_id own_change = 0;

/// The source of a change that peers need not be told, since each of them
/// makes it by itself: dropping the value of what has expired.
inline constexpr origin_id local_change = ~origin_id{0};

/// One change of one key as the journal orders it: the whole merged state of
/// the key after the change, never an operation.
struct change {
  /// Where it stands in this node's sequence; given by the journal.
  position at = 0;
  std::string key;
  /// The encoded entry (storage/entry.hpp).
  std::string entry;
  /// The peer that it was merged from, `own_change` or `local_change`.
  origin_id source = own_change;

  friend bool operator==(const change&, const change&) = default;
};

} // namespace panal
