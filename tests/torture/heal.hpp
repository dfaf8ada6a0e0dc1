#pragma once

// How long nodes that were apart take to be equal again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace panal::torture {

struct heal_setup {
  std::uint64_t seed = 0;
  std::size_t rounds = 10;
  std::size_t seconds_apart = 60;
  /// Over all nodes, each writes its part.
  std::size_t keys = 100'000;
  std::vector<std::string> more;
};

/// Prints a line a round and the percentiles. @return the exit status: 1 if
/// some round took `5 s` or more, or a write was refused.
int run_heals(const heal_setup& setup);

} // namespace panal::torture
