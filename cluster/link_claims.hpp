#pragma once

// Processes that claim the identity of a peer to which there is a link: the
// peer's next run, seen before the end of the old one was missed, or a copy of
// its directory.

#include "cluster/outbound.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace panal {

/// Not thread-safe; owned by a link book.
class link_claims {
public:
  /// Claims that are remembered; of more the one that was not repeated for the
  /// longest time gives way.
  static constexpr std::size_t claims_max = 256;
  /// A claim that was not repeated for so long begins anew.
  static constexpr std::chrono::milliseconds memory{30'000};

  /// A process that runs as `run` claims to be `who`.
  /// @return for how long it has been claiming that.
  std::chrono::milliseconds add(origin_id who, std::uint64_t run,
                                steady_time now);
  std::size_t size() const noexcept { return claims_.size(); }

private:
  struct claim {
    steady_time since{};
    steady_time repeated{};
  };

  void make_room();

  std::map<std::pair<origin_id, std::uint64_t>, claim> claims_;
};

} // namespace panal
