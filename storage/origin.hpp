#pragma once

// How a data directory gets its identity.

#include "storage/change.hpp"
#include "storage/errc.hpp"

#include <string_view>

namespace panal {

/// Draws the identity of a new data directory: its upper 16 bits are a hash
/// of `node_name` (so that logs of one node can be recognized), the lower 48
/// come from the system's random generator. Never 0.
/// Errors: `storage_failed` if the system gives no randomness.
result<origin_id> draw_origin(std::string_view node_name);

} // namespace panal
