#pragma once

// What the gatekeeper warns of. Whoever reaches the port can cause warnings,
// so each kind gets one log line a second at most, which counts the others.

#include "logging/rate_limit.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace panal {

enum class gate_warning : std::uint8_t {
  wrong_secret,
  wrong_protocol,
  /// No TLS, or a certificate that does not count here.
  tls,
  /// A name that is not the certificate's.
  wrong_name,
  wrong_cluster,
  forgotten,
  copied,
  /// A connection that is no node's.
  malformed,
  /// A connection that did not finish its handshake in time.
  silent,
  /// Too many unproven connections at once.
  crowded,
  accept_failed,
  /// A proven peer that sent what cannot be.
  misframed,
  /// Another node has this node's origin: a copied data directory.
  shared_identity,
  /// The gatekeeper itself: no memory or no random numbers.
  failed,
};

class gatekeeper_warnings {
public:
  gatekeeper_warnings();

  /// Writes a warning about `peer` ("host:port"), or counts it.
  void warn(gate_warning kind, std::string_view peer,
            std::string_view detail = {});

private:
  /// One per kind.
  std::vector<log::rate_limiter> limits_;
};

} // namespace panal
