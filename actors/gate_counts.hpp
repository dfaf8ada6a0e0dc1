#pragma once

// What has happened at the cluster port since the start, for metrics.

#include "cluster/handshake.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace panal {

/// Each count only grows. Any thread may read while the gatekeeper counts;
/// two of them need not fit together.
struct gate_counts {
  using count = std::atomic<std::uint64_t>;

  /// Connections that came, whoever sent them.
  count accepted = 0;
  /// Connections given away, accepted or dialled.
  count admitted = 0;
  /// Peers that were proven without getting a connection.
  count introduced = 0;
  /// Accepted connections closed because there were too many unproven ones.
  count crowded = 0;
  /// Accepted connections that did not end their handshake in time.
  count silent = 0;
  /// Accepted connections that were ended by the other end before.
  count closed = 0;
  /// Links cut since their peer sent what cannot be.
  count misframed = 0;
  /// TLS that came to nothing, accepted or dialled.
  count tls_failed = 0;
  /// Handshakes, accepted or dialled, that ended with another verdict than
  /// admitted or introduced; by the verdict's number.
  std::array<count, verdict_count> refused_as{};

  std::uint64_t refused(verdict why) const noexcept {
    return refused_as.at(static_cast<std::size_t>(why));
  }
};

} // namespace panal
