#pragma once

// How many changes a second go from one node to one peer, and how late they
// arrive.

#include <cstddef>
#include <string>
#include <vector>

namespace panal::torture {

struct flow_setup {
  /// Changes that a peer has missed and catches up on.
  std::size_t changes = 1'000'000;
  /// Writes a second while the delay is measured, and for how long.
  std::size_t rate = 50'000;
  std::size_t seconds = 20;
  std::vector<std::string> more;
};

/// Two nodes without anything between them. Prints the rate of catching up
/// and the delay of single writes under load. @return the exit status: 1
/// below 100,000 changes/s, or with a p99 of 10 ms or more.
int run_flow(const flow_setup& setup);

} // namespace panal::torture
