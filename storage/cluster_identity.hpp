#pragma once

// Which cluster a node's state belongs to. A cluster is born once, when its
// first two nodes agree that their states join; whoever joins it takes its
// identity over. Two clusters of one name, as after lost disks, are told apart
// by it, and the later-born one gives way.

#include <compare>
#include <cstdint>
#include <string>

namespace panal {

/// The older one is the smaller.
struct cluster_identity {
  /// When it was born: the hybrid clock (an hlc) of the node that bore it.
  std::uint64_t born = 0;
  /// Drawn at random; tells two of one moment apart.
  std::uint64_t id = 0;

  /// False: none. The node that has none is *provisional*.
  explicit operator bool() const noexcept { return born != 0; }
  friend auto operator<=>(const cluster_identity&,
                          const cluster_identity&) = default;
};

/// That of every directory whose line was drawn before there were identities.
inline constexpr cluster_identity identity_before_all{1, 1};

/// For logs: "9f3c5a0d11223344 of 2026-01-02T03:04:05.678Z", or "none".
std::string to_string(const cluster_identity& who);

} // namespace panal
