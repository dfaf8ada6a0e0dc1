#include "actors/gatekeeper_warnings.hpp"

#include "logging/log.hpp"

#include <utility>

namespace panal {

namespace {

std::string_view event_of(gate_warning kind) noexcept {
  switch (kind) {
  case gate_warning::wrong_secret:
    return "peer_wrong_secret";
  case gate_warning::wrong_protocol:
    return "peer_wrong_protocol";
  case gate_warning::malformed:
    return "peer_malformed_handshake";
  case gate_warning::silent:
    return "peer_handshake_unfinished";
  case gate_warning::crowded:
    return "cluster_port_crowded";
  case gate_warning::accept_failed:
    return "cluster_accept_failed";
  case gate_warning::shared_identity:
    return "peer_has_our_identity";
  case gate_warning::failed:
    return "gatekeeper_failed";
  }
  return "peer_unknown_warning";
}

} // namespace

std::optional<std::uint64_t> warning_limit::pass(time_point now) noexcept {
  if (passed_at_ && now - *passed_at_ < std::chrono::seconds{1}) {
    ++held_back_;
    return std::nullopt;
  }
  passed_at_ = now;
  return std::exchange(held_back_, 0);
}

void gatekeeper_warnings::warn(gate_warning kind, std::string_view peer,
                               std::string_view detail) {
  auto& limit = limits_.at(static_cast<std::size_t>(kind));
  auto suppressed = limit.pass(std::chrono::steady_clock::now());
  if (!suppressed)
    return;
  log::warning(
      event_of(kind),
      {{"peer", peer}, {"detail", detail}, {"suppressed", *suppressed}});
}

} // namespace panal
