#pragma once

// What the end of a handshake means to those who wait for it: a warning, a
// reason why there is no connection, a count.

#include "actors/admitted_peer.hpp"
#include "actors/gate_counts.hpp"
#include "actors/gatekeeper_session.hpp"
#include "actors/gatekeeper_warnings.hpp"

#include <optional>

namespace panal {

/// What is worth a warning about a handshake that came to this end.
std::optional<gate_warning> warning_of(verdict outcome) noexcept;

/// Why a dialled handshake led to no connection; nothing if the peer is going
/// to dial.
std::optional<dial_failure> failure_of(const handshake& talk,
                                       gatekeeper_session::ending how) noexcept;

/// Whether the peer has proven that this node cannot go on under its identity:
/// as dialler it was told so, as either end it has met it in another run.
bool is_disowned(const handshake& talk, origin_id own) noexcept;

/// Counts a handshake that has concluded, unless it was admitted: that is
/// counted when the connection is given away.
void count(gate_counts& counts, verdict outcome) noexcept;

} // namespace panal
