#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string_view>

namespace panal::test {

/// A seed for a random test, printed so that a failure can be repeated with
/// PANAL_TEST_SEED=n.
inline std::uint64_t print_seed(std::string_view test) {
  const char* given = std::getenv("PANAL_TEST_SEED");
  const auto seed = given != nullptr ? std::strtoull(given, nullptr, 10)
                                     : std::random_device{}();
  std::cout << test << ": PANAL_TEST_SEED=" << seed << '\n';
  return seed;
}

} // namespace panal::test
