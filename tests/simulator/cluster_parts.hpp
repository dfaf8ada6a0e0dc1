#pragma once

// What the files of cluster have in common.

#include "tests/simulator/cluster.hpp"

#include <cstddef>
#include <string>

namespace panal::sim {

/// A letter and a number (g++ 12 warns of `"k" + std::to_string(n)`).
inline std::string numbered(char letter, std::size_t number) {
  std::string text(1, letter);
  return text += std::to_string(number);
}

inline std::string key_name(unsigned key) {
  return numbered('k', key);
}

/// Calls `visit` with each operation in the set.
void for_each(const op_set& set, auto visit) {
  for (auto op = set._Find_first(); op < set.size(); op = set._Find_next(op))
    visit(op);
}

} // namespace panal::sim
