#pragma once

// What the actors of the cluster side say to one another; see messages.hpp for
// who speaks to whom.

#include "actors/gatekeeper.hpp"
#include "actors/messages.hpp"

#include <caf/all.hpp>

#include <memory>
#include <string>

namespace panal {

/// gatekeeper -> membership: a connection whose peer has proven itself.
using admitted_ptr = std::shared_ptr<admitted_peer>;

/// gatekeeper -> membership: the peer is proven, but one has to dial back.
struct introduction {
  member who;
  /// What this node dialled; empty if the peer did.
  std::string dialled;
};

/// gatekeeper -> membership: a dial has led nowhere.
struct failed_dial {
  std::string address;
  dial_failure reason = dial_failure::unreachable;
};

/// membership -> replicator: a link to a peer has come up or gone.
struct peer_link {
  member who;
  std::uint64_t link_id = 0;
  /// The peer's membership actor; none when the link has gone.
  caf::actor remote;
};

/// membership -> replicator: a changes or ack frame.
struct peer_frame {
  origin_id peer = 0;
  std::uint64_t link_id = 0;
  std::string bytes;
};

} // namespace panal

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::admitted_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::introduction)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::failed_dial)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::peer_link)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::peer_frame)
