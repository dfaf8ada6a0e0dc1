#pragma once

// A peer that is slow or hangs, under full load.

#include <chrono>
#include <cstdint>
#include <string>

namespace panal::torture {

struct slow_setup {
  std::uint64_t seed = 1;
  /// How long the peer is slow, in all windows of a mode together.
  std::chrono::seconds slow{600};
  /// Of rate (1 KB/s), stop (SIGSTOP) and deaf (its link takes nothing);
  /// to compare with, none (as the others) and gone (killed).
  std::string modes;
  /// A p99 above the bound is an error, not only a figure.
  bool strict = false;
};

/// @return the exit status.
int run_slow(const slow_setup& setup);

} // namespace panal::torture
