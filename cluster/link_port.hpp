#pragma once

// What a link book asks of the node around it. In a node these are calls that
// send messages between actors; in tests, lists of what was asked.

#include "cluster/backoff.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// Something that an operator may want to know of a peer.
enum class link_event : std::uint8_t {
  /// Its link has come up.
  up,
  /// Its link has gone; the detail is why.
  down,
  /// It has sent a frame that is none; the detail is what is wrong with it.
  refused_frame,
  /// Two processes go on speaking under its identity.
  copied,
  /// It was removed from the cluster.
  forgotten,
};

/// Calls may come back to the book later, never from inside the call.
class link_port {
public:
  virtual ~link_port() = default;

  /// Dials; admitted(), introduced() or dial_failed() follows.
  virtual void dial(const std::string& address) = 0;
  /// The admitted connection is to carry frames from now on: greeted()
  /// follows, or lost().
  /// @param dialled  by this node, whose word comes first then.
  virtual void adopt(std::uint64_t link_id, bool dialled) = 0;
  /// Ends a connection, adopted or not; nothing follows.
  virtual void close(std::uint64_t link_id) = 0;
  /// The copy of a peer that runs as `run` is to be told so when it comes
  /// again, and not to be let in.
  virtual void refuse_copy(origin_id who, std::uint64_t run) = 0;
  /// Sends a frame over a link that is up.
  virtual void send(std::uint64_t link_id, std::string bytes) = 0;

  /// Saves what is known of a member; saved() follows once it is durable, and
  /// not if that fails.
  virtual void save(const member& who) = 0;
  /// Finds out what a member has stamped that is merged here, since it is to
  /// be forgotten: forget() follows.
  virtual void ask_seen(origin_id who) = 0;

  /// To the replica: all that are known, this node and the forgotten included.
  /// Comes before whatever rests on it.
  virtual void tell_members(std::vector<member> all) = 0;
  /// To the replica: frames may go over this link to the peer.
  /// @param run  the identity of the peer's process run.
  virtual void tell_up(const member& who, std::uint64_t run,
                       std::uint64_t link_id) = 0;
  /// To the replica: the link that was up has gone.
  virtual void tell_down(const member& who) = 0;
  /// To the replica: another process goes on under this node's identity.
  virtual void tell_copied() = 0;
  /// To the replica: this node was forgotten.
  /// @param seen_hlc         what it stamped up to here had been merged by a
  ///                         member.
  /// @param by_another_name  than the one that it bears.
  virtual void tell_forgotten(std::uint64_t seen_hlc, bool by_another_name) = 0;

  /// For the log.
  virtual void note(link_event what, const member& who,
                    std::string_view detail) = 0;
};

} // namespace panal
