#pragma once

// What every store demands of the changes that it is given.

#include "storage/change.hpp"
#include "storage/errc.hpp"

#include <span>

namespace panal {

/// Checks that `changes` continue a sequence that ends at `last`: the first
/// stands at `last + 1`, each later one right after the one before it.
/// Errors: `storage_failed`; the caller has lost count.
inline result<void> check_sequence(position last,
                                   std::span<const change* const> changes) {
  for (const auto* next : changes)
    if (next->at != ++last)
      return error{errc::storage_failed,
                   "position " + std::to_string(next->at) + " appended where "
                       + std::to_string(last) + " is next"};
  return {};
}

/// Checks what a rebirth begins with: an origin, and changes from position 1
/// on. Errors: `storage_failed`.
inline result<void> check_rebirth(origin_id fresh,
                                  std::span<const change> kept) {
  if (fresh == own_change || fresh == local_change)
    return error{errc::storage_failed, "a rebirth under no origin"};
  position last = 0;
  for (const auto& next : kept) {
    const auto* one = &next;
    if (auto in_order = check_sequence(last++, {&one, 1}); !in_order)
      return in_order;
  }
  return {};
}

} // namespace panal
