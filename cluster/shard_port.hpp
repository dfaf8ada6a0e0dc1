#pragma once

// What a shard and the parts around it say to one another, and what a shard
// asks of them. In a node these are messages between actors; in the simulator,
// events.

#include "cluster/replica_port.hpp"
#include "storage/change_batch.hpp"
#include "storage/request.hpp"
#include "storage/store.hpp"
#include "storage/table.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace panal {

/// From the journal: what became of a shard's batches.
struct commit_note {
  /// `ok`: they are durable. Else they and all later ones are void.
  errc code = errc::ok;
  /// The epoch that they were sent in.
  std::uint64_t epoch = 0;
  std::vector<change_batch_ptr> batches;
};

/// Which keys the shards hold in some leaves of the digest tree.
struct leaf_query {
  std::uint64_t token = 0;
  std::vector<std::uint32_t> leaves;
};

/// One shard's answer to it.
struct leaf_listing {
  std::uint64_t token = 0;
  std::vector<leaf_place> items;
};

/// What a leaf_comparison has found in one shard.
struct leaf_difference {
  std::uint64_t token = 0;
  std::vector<change> entries;
  /// There is more than may be sent at once.
  bool more = false;
};

/// What became of a shard's part of the writes that are issued anew, once it
/// is durable.
struct reissue_report {
  std::vector<std::string> keys;
  std::size_t issued = 0;
  std::size_t refused = 0;
  /// Some could not be issued.
  bool left = false;
};

/// A write that is committed here, and waits for members.
struct quorum_wait {
  position at = 0;
  write_level wanted = write_level::quorum;
  request_ptr what;
};

/// From the shard that decides about clear-alls to the others.
struct clear_notice {
  /// Comes back when the shard has taken it in.
  std::uint64_t token = 0;
  /// What is in effect, and what of it is on disk.
  stamp at;
  stamp durable;
};

/// What a shard does by itself, some time later.
enum class shard_task : std::uint8_t {
  /// Expired values are dropped, and what a clear-all covers.
  sweep,
  /// Batches that a disk has refused are sent again (level `memory`).
  retry,
  /// The next part of a walk over the keys.
  walk,
  /// Stubs at or below the line are dropped.
  collect,
};

/// Calls come back to the shard later, never from inside the call.
class shard_port {
public:
  virtual ~shard_port() = default;

  // -- to the journal, which gets all of these in order -----------------------
  virtual void journal(change_batch_ptr batch, std::uint64_t epoch) = 0;
  /// All that the shard has stamped up to `hlc` is on its way.
  virtual void mark(std::uint64_t epoch, std::uint64_t hlc) = 0;

  // -- to clients -------------------------------------------------------------
  virtual void answer(std::vector<request_ptr> done) = 0;

  // -- to the replica ---------------------------------------------------------
  virtual void await_members(quorum_wait wait) = 0;
  virtual void merged(const remote_done& part) = 0;
  virtual void reissued(reissue_report part) = 0;
  virtual void want_line(std::uint64_t hlc) = 0;
  virtual void listed(leaf_listing part) = 0;
  virtual void compared(leaf_difference part) = 0;

  // -- to the other shards, and back ------------------------------------------
  /// To each of them: shard::take_clear(), and clear_taken() here follows.
  virtual void spread_clear(const clear_notice& what) = 0;

  /// shard::run(what) is to be called after `pause`.
  virtual void wake(shard_task what, std::chrono::milliseconds pause) = 0;

  // -- for the checks of tests: what was decided just now ---------------------
  virtual void took(const change&, const merge_outcome&) {}
  virtual void issued(const std::string& /*key*/, const left_part&,
                      const outcome&) {}
};

} // namespace panal
