#pragma once

// What the actors of the cluster side say to one another; see messages.hpp for
// who speaks to whom.

#include "actors/gatekeeper.hpp"
#include "actors/messages.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace panal {

/// gatekeeper -> membership: a connection whose peer has proven itself.
using admitted_ptr = std::shared_ptr<admitted_peer>;

/// gatekeeper -> membership: the peer is proven, but one has to dial back.
struct introduction {
  member who;
  /// The identity of its process run.
  std::uint64_t run = 0;
  /// What this node dialled; empty if the peer did.
  std::string dialled;
};

/// gatekeeper -> membership: a dial has led nowhere.
struct failed_dial {
  std::string address;
  dial_failure reason = dial_failure::unreachable;
};

/// gatekeeper -> membership: a proven peer shows that this node cannot go on
/// under its identity.
struct disowning {
  member peer;
  std::uint64_t run = 0;
  verdict why = verdict::copied;
};

/// membership -> replicator: all that are known, this node and the forgotten
/// included. Comes before whatever rests on it.
struct members_known {
  std::vector<member> members;
};

/// membership -> replicator: this node was forgotten, or runs twice.
struct expulsion {
  bool copied = false;
  /// What it stamped up to here had been merged by a member.
  std::uint64_t seen_hlc = 0;
  /// It was forgotten under a name that this node does not bear.
  bool by_another_name = false;
};

/// replicator -> membership: a link is to end.
struct cut_request {
  std::uint64_t link_id = 0;
  std::string why;
  /// The peer broke the protocol: it is kept out for a while.
  bool faulty = false;
};

/// membership -> replicator: a link to a peer has come up or gone.
struct peer_link {
  member who;
  /// The identity of its process run.
  std::uint64_t run = 0;
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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::disowning)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::members_known)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::expulsion)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::cut_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::peer_link)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::peer_frame)
