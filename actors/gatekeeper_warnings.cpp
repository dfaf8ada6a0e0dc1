#include "actors/gatekeeper_warnings.hpp"

#include "logging/log.hpp"

#include <chrono>

namespace panal {

namespace {

struct words {
  std::string_view event;
  std::string_view reason;
};

words words_of(gate_warning kind) noexcept {
  switch (kind) {
  case gate_warning::wrong_secret:
    return {"peer_refused", "wrong_secret"};
  case gate_warning::wrong_protocol:
    return {"peer_refused", "wrong_protocol"};
  case gate_warning::tls:
    return {"peer_refused", "tls"};
  case gate_warning::wrong_name:
    return {"peer_refused", "wrong_name"};
  case gate_warning::wrong_cluster:
    return {"peer_refused", "wrong_cluster"};
  case gate_warning::forgotten:
    return {"peer_refused", "forgotten"};
  case gate_warning::copied:
    return {"peer_refused", "copied"};
  case gate_warning::malformed:
    return {"peer_refused", "malformed_handshake"};
  case gate_warning::silent:
    return {"peer_refused", "unfinished_handshake"};
  case gate_warning::crowded:
    return {"peer_refused", "crowded"};
  case gate_warning::shared_identity:
    return {"peer_refused", "shared_identity"};
  case gate_warning::misframed:
    return {"peer_cut", "malformed_message"};
  case gate_warning::accept_failed:
    return {"cluster_port_failed", "accept"};
  case gate_warning::failed:
    return {"cluster_port_failed", "handler"};
  }
  return {"cluster_port_failed", "unknown"};
}

constexpr std::size_t kinds =
    static_cast<std::size_t>(gate_warning::failed) + 1;

} // namespace

gatekeeper_warnings::gatekeeper_warnings()
    : limits_(kinds, log::rate_limiter{1, std::chrono::seconds{1}}) {}

void gatekeeper_warnings::warn(gate_warning kind, std::string_view peer,
                               std::string_view detail) {
  auto& limit = limits_.at(static_cast<std::size_t>(kind));
  auto suppressed = limit.allow(std::chrono::steady_clock::now());
  if (!suppressed)
    return;
  const auto [event, reason] = words_of(kind);
  log::warning(event, {{"reason", reason},
                       {"address", peer},
                       {"detail", detail},
                       {"suppressed", *suppressed}});
}

} // namespace panal
