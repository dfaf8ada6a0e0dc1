#pragma once

// What a replica asks of the node around it, and what comes back to it. In a
// node these are messages between actors; in tests, queues.

#include "cluster/outbound.hpp"
#include "cluster/rejoin.hpp"
#include "storage/change_batch.hpp"
#include "storage/leaf_scan.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// The shard that decides about clear-alls; rows of the empty key go there.
inline constexpr std::size_t clearing_shard = 0;

/// One moment on both clocks.
struct moment {
  steady_time steady{};
  unix_ms wall = 0;
};

/// Those changes of a peer's frame that are one shard's.
struct remote_changes {
  origin_id peer = 0;
  /// Which frame; comes back with remote_done.
  std::uint64_t ticket = 0;
  std::vector<change> changes;
};

/// A shard's part of a frame is merged and durable, or failed.
struct remote_done {
  origin_id peer = 0;
  std::uint64_t ticket = 0;
  /// `corrupt`: some were no entries, and the peer is faulty.
  errc code = errc::ok;
  /// Changes that held a stamp from the far future.
  std::size_t set_aside = 0;
  /// Changes that held an unknown put below the line.
  std::size_t below_line = 0;
};

/// Changes for a peer that memory no longer holds.
struct backlog_request {
  origin_id peer = 0;
  position after = 0;
  read_limits limits;
};

/// The answer to it.
struct backlog {
  origin_id peer = 0;
  position after = 0;
  errc code = errc::ok;
  std::vector<change> changes;
  /// The newest position when the store was read.
  position last = 0;
};

/// What a peer holds in some leaves, to be compared with what the shards hold:
/// they send what it lacks, and drop what its line proves dead.
struct leaf_comparison {
  /// Comes back with the answer.
  std::uint64_t token = 0;
  origin_id peer = 0;
  std::uint64_t their_line = 0;
  std::vector<std::uint32_t> leaves;
  std::vector<leaf_place> theirs;
  /// Of keys and entries that are to be sent; at least one all the same.
  std::size_t bytes_max = 0;
  /// Not empty: nothing is compared, but what the shards hold of these keys is
  /// to be sent. A key that cannot be read is left out; one that is not held
  /// has an empty entry.
  std::vector<std::string> keys;
};

/// A peer's state of keys in which the two differ.
struct repair_changes {
  origin_id peer = 0;
  std::uint64_t their_line = 0;
  std::vector<change> changes;
  /// It is the peer's whole state of keys that this node could not read: they
  /// can be read again. An empty entry: the peer holds nothing of the key.
  bool mends = false;
};

/// What came of a number of writes that were to be issued anew.
struct reissue_outcome {
  std::size_t issued = 0;
  /// Since a delete or a greater version stands, or they have expired.
  std::size_t refused = 0;
  /// Some could not be issued, and are to be tried again.
  bool left = false;
  /// There was none to be issued.
  bool found_none = false;
  /// The greatest key of them.
  std::string last;
};

/// Calls may come back to the replica later, never from inside the call.
class replica_port {
public:
  virtual ~replica_port() = default;

  /// Sends a frame over the present link to `peer`.
  virtual void send(origin_id peer, std::string bytes) = 0;
  /// Ends the link; link_down() follows. `faulty`: the peer broke the
  /// protocol, and is to be kept out for a while.
  virtual void cut(origin_id peer, std::string_view why, bool faulty) = 0;

  /// A shard is to merge; merged() follows.
  virtual void merge(std::size_t shard, remote_changes part) = 0;
  /// The journal is to be read; backlog_came() follows.
  virtual void read_backlog(const backlog_request& wanted) = 0;

  /// @param met  the peer's run that has acknowledged so far, to be saved
  ///             first (unless its id is 0): a cursor without it would outlive
  ///             the proof that the peer still holds what it stands for.
  virtual void save_cursor(origin_id peer, position acknowledged,
                           const run_record& met) = 0;
  /// saved() follows once it is durable; not if that fails.
  virtual void save_fact(fact which, std::uint64_t value) = 0;
  virtual void add_run(const run_record& run, origin_id peer) = 0;
  /// Both at once; identity_saved() follows once they are durable.
  /// @param founder  see `fact`.
  virtual void save_identity(const cluster_identity& who, bool founder) = 0;
  /// For the operator: a peer belongs to another cluster, and which of the two
  /// gives way.
  virtual void note_stranger(origin_id peer, const cluster_identity& own,
                             const cluster_identity& theirs,
                             bool gives_way) = 0;

  /// Sends `hlc` through all shards into the journal; marked() follows when
  /// everything that they have stamped up to it is committed.
  virtual void mark(std::uint64_t hlc) = 0;
  /// To all shards: the line, and up to where stubs may be dropped now.
  /// want_line() follows where stubs are left.
  virtual void set_line(std::uint64_t line, std::uint64_t collect_upto) = 0;

  /// The shards are to list what they hold in `leaves`; listed() follows once.
  virtual void list(std::uint64_t token, std::vector<std::uint32_t> leaves) = 0;
  /// The shards are to compare; compared() follows once, for all of them.
  virtual void compare(leaf_comparison with) = 0;
  /// The shards are to reconcile; nothing follows.
  virtual void reconcile(repair_changes with) = 0;

  /// For the operator: a peer has claimed a line above this node's mark.
  virtual void note_lie(origin_id peer, std::uint64_t line,
                        std::uint64_t mark) = 0;

  /// A bounded number of the writes that an earlier incarnation has left are
  /// to be issued anew; reissued() follows for all of these together, once they
  /// are durable.
  /// @param restamp_upto  see `fact`.
  /// @param after  the keys up to here have had their turn.
  virtual void reissue_some(std::uint64_t restamp_upto,
                            const std::string& after) = 0;
  /// This node must rejoin: nothing else counts any more.
  virtual void rejoin(const rejoin_plan& plan) = 0;
  /// A write that has waited for its quorum may be answered.
  virtual void answer(std::uint64_t ticket, std::size_t members_reached,
                      bool in_time) = 0;
};

} // namespace panal
