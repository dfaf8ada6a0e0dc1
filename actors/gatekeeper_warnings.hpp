#pragma once

// What the gatekeeper warns of. Whoever reaches the port can cause warnings,
// so each kind gets one log line a second at most, which counts the others.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace panal {

/// Lets one event a second pass.
class warning_limit {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// @returns how many events were held back since the last that passed, or
  /// nothing where this one is held back as well.
  std::optional<std::uint64_t> pass(time_point now) noexcept;

private:
  std::optional<time_point> passed_at_;
  std::uint64_t held_back_ = 0;
};

enum class gate_warning : std::uint8_t {
  wrong_secret,
  wrong_protocol,
  /// A connection that is no node's.
  malformed,
  /// A connection that did not finish its handshake in time.
  silent,
  /// Too many unproven connections at once.
  crowded,
  accept_failed,
  /// Another node has this node's origin: a copied data directory.
  shared_identity,
  /// The gatekeeper itself: no memory or no random numbers.
  failed,
};

class gatekeeper_warnings {
public:
  /// Writes a warning about `peer` ("host:port"), or counts it.
  void warn(gate_warning kind, std::string_view peer,
            std::string_view detail = {});

private:
  std::array<warning_limit, 8> limits_;
};

} // namespace panal
