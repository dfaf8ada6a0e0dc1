#pragma once

// The few calls that reach into the inside of CAF 0.17.6's middleman, kept in
// one place: handing it a connected socket, and closing what it leaves open.

#include <caf/all.hpp>

#include <cstdint>
#include <functional>

namespace panal {

/// Gives a connected, proven socket that this node dialled to CAF, which owns
/// `fd` from now on.
/// @param up      gets the peer's published actor, on `self`'s thread.
/// @param failed  the CAF handshake came to nothing.
void adopt_dialled(caf::event_based_actor* self, int fd,
                   std::function<void(caf::actor)> up,
                   std::function<void()> failed);

/// Gives a proven socket that this node accepted to CAF.
/// @param root  what the peer gets to talk to.
void adopt_accepted(caf::actor_system& system, int fd, const caf::actor& root);

/// Takes away the actors by which CAF lets any peer spawn actors and write
/// configuration (field guide of this version: reachable without a name).
void harden(caf::actor_system& system);

} // namespace panal
