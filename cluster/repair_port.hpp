#pragma once

// What digest repair (cluster/repair.hpp) needs of the node around it.

#include "cluster/frame_repair.hpp"
#include "storage/change.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace panal {

/// A digest tree: each node's hash tells whether anything below it differs.
/// Level 0 is the root, each node has 2^bits() children, and the nodes of
/// level `repair_levels` are the leaves. Equal on all members of a cluster.
class digest_source {
public:
  virtual ~digest_source() = default;
  /// 1 to 6.
  virtual unsigned bits() const = 0;
  virtual std::uint64_t root() const = 0;
  /// The hashes of the 2^bits() children of a node.
  /// @pre level < repair_levels, and there is such a node
  virtual std::vector<std::uint64_t> children(unsigned level,
                                              std::uint32_t node) const = 0;
};

/// An entry on its way to a peer.
struct repair_entry {
  std::string key;
  std::string entry;
};

/// What a round of repair sets in motion. Answers may come from within the
/// call, later, or never.
class repair_port {
public:
  virtual ~repair_port() = default;

  virtual void send(origin_id peer, std::string bytes) = 0;

  /// This node's line: what it has forgotten lies below.
  virtual std::uint64_t line() const = 0;

  /// Collects the keys of these leaves; answered by repair::listed().
  virtual void list(std::uint64_t token,
                    const std::vector<std::uint32_t>& leaves) = 0;

  /// Compares what a peer has in some leaves with what is here, and collects
  /// the entries that the peer lacks or has differently; answered by
  /// repair::reconciled().
  /// @param bytes_max  of keys and entries; at least one entry all the same.
  virtual void reconcile(std::uint64_t token, origin_id peer,
                         std::uint64_t their_line,
                         std::vector<repair_leaf> theirs,
                         std::size_t bytes_max) = 0;

  /// Merges what a peer has sent. The views die with the call.
  virtual void merge(origin_id peer, const repair_entries_frame& said) = 0;
};

} // namespace panal
