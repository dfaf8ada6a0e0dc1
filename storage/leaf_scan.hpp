#pragma once

// Looks through a table for the keys of some leaves of the digest tree, one of
// the table's parts at a time, so that nobody waits long for the shard: a part
// of a million keys takes about a millisecond.

#include "storage/table.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// Where a key stands in a digest comparison.
struct leaf_place {
  std::uint32_t leaf = 0;
  /// The low 32 bits of the key's digest.
  std::uint32_t key = 0;
  std::uint64_t entry = 0;
};

/// One walk over a table. Not thread-safe; owned by the shard actor.
class leaf_scan {
public:
  /// @param leaves  those that are looked for, in any order.
  /// @param digests  the tree that says which leaf a key belongs to.
  leaf_scan(std::vector<std::uint32_t> leaves, const digest_tree& digests,
            std::uint64_t secret);

  /// Looks through the next part; calls `visit(key, encoded, place)` for each
  /// key in one of the leaves, also for those without a put, whose digest is
  /// 0. @return true if parts are left.
  template <class Visitor>
  bool step(const table& keys, Visitor&& visit) {
    keys.visit_part(part_, [&](std::string_view key, std::string_view encoded) {
      leaf_place place;
      if (finds(key, encoded, place))
        visit(key, encoded, place);
    });
    return ++part_ < record_set::part_count;
  }

private:
  bool finds(std::string_view key, std::string_view encoded,
             leaf_place& place) const;

  std::vector<std::uint32_t> leaves_;
  const digest_tree& digests_;
  std::uint64_t secret_;
  std::size_t part_ = 0;
};

} // namespace panal
