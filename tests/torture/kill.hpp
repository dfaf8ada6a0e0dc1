#pragma once

// kill -9 under load, again and again.

#include <cstdint>
#include <string>
#include <vector>

namespace panal::torture {

struct kill_setup {
  std::uint64_t seed = 1;
  std::size_t kills = 200;
  /// Further flags for every node: it must fail with some.
  std::vector<std::string> more;
};

/// One cluster of three. A random node is cut off from its peers, so that
/// nobody can give back what it loses, killed under full load, and started
/// again; then it must show all that it had acknowledged or shown, and once
/// it is connected again all nodes must agree on the rightful state.
/// @return the exit status.
int run_kills(const kill_setup& setup, const std::string& program);

} // namespace panal::torture
