#pragma once

// Everything that the actors say to one another.
//
//   gateway ---- operation_batch ----> shard
//   shard ------ queued_batch -------> journal
//   journal ---- commit_note --------> shard     (durable, or void)
//   journal ---- committed_batches --> replicator
//   replicator - remote_changes -----> shard     (a peer's frame, split)
//   shard ------ remote_done --------> replicator
//   replicator - backlog_request ----> journal   (a peer that lags behind)
//   journal ---- backlog ------------> replicator
//   replicator - (mark, hlc) --------> shard -> journal -> replicator
//   replicator - (line, upto, upto) -> shard     (stubs may be dropped)
//   replicator - leaf_query, leaf_comparison, repair_changes -> shard
//   shard ------ leaf_listing, leaf_difference --> replicator
//   shard ------ quorum_wait --------> replicator (answered when members have
//   it) shard ------ clear_job ----------> all shards replicator - (fact,
//   number, value) -> journal, and back when it is durable journal ----
//   reissue_batch ------> replicator -> shards - reissue_report -> membership -
//   peer_link ----------> replicator (a peer came or went) membership -
//   peer_frame ---------> replicator (what a peer said)
//
// Between nodes only frames travel (cluster/frame.hpp), as bytes in a
// standard string: `(frame_atom, link id, bytes)`.

#include "actors/reply_inbox.hpp"
#include "cluster/replica_port.hpp"
#include "storage/change_batch.hpp"
#include "storage/journal.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace panal {

/// journal -> shard: what became of its batches.
struct commit_note {
  /// `ok`: they are durable. Else they and all later ones are void.
  errc code = errc::ok;
  /// The epoch that they were sent in.
  std::uint64_t epoch = 0;
  std::vector<change_batch_ptr> batches;
};

/// journal -> replicator: new changes in position order.
struct committed_batches {
  std::vector<change_batch_ptr> batches;
};

/// replicator -> shard: which keys it holds in some leaves of the digest tree.
struct leaf_query {
  std::uint64_t token = 0;
  std::vector<std::uint32_t> leaves;
};

/// shard -> replicator: the answer to it.
struct leaf_listing {
  std::uint64_t token = 0;
  std::vector<leaf_place> items;
};

/// shard -> replicator: what a leaf_comparison has found there.
struct leaf_difference {
  std::uint64_t token = 0;
  std::vector<change> entries;
  /// There is more than may be sent at once.
  bool more = false;
};

/// journal -> replicator -> shard: writes to be issued anew.
struct reissue_batch {
  std::vector<reissue> writes;
};

/// shard -> replicator: what became of its part of them, once it is durable.
struct reissue_report {
  std::vector<std::string> keys;
  std::size_t issued = 0;
  std::size_t refused = 0;
  /// Some could not be issued.
  bool left = false;
};

/// shard -> replicator: a write that is committed here, and waits for others.
struct quorum_wait {
  position at = 0;
  write_level wanted = write_level::quorum;
  request_ptr what;
  reply_inbox_ptr home;
};

/// shard -> shard: a clear-all on its way through all of them. Answered by
/// the last one that is done with it.
struct clear_job {
  stamp at;
  request_ptr what;
  reply_inbox_ptr home;
  std::atomic<std::size_t> shards_left = 0;
  std::atomic<errc> code = errc::ok;
  std::atomic<position> position_of_it = 0;

  /// Answers `unavailable` if nobody has: no request is left without.
  ~clear_job();
};

using commit_note_ptr = std::shared_ptr<commit_note>;
using committed_batches_ptr = std::shared_ptr<committed_batches>;
using remote_changes_ptr = std::shared_ptr<remote_changes>;
using backlog_ptr = std::shared_ptr<backlog>;
using leaf_query_ptr = std::shared_ptr<const leaf_query>;
using leaf_listing_ptr = std::shared_ptr<leaf_listing>;
using leaf_difference_ptr = std::shared_ptr<leaf_difference>;
using leaf_comparison_ptr = std::shared_ptr<const leaf_comparison>;
using repair_changes_ptr = std::shared_ptr<repair_changes>;
using reissue_batch_ptr = std::shared_ptr<reissue_batch>;
using reissue_report_ptr = std::shared_ptr<reissue_report>;
using quorum_wait_ptr = std::shared_ptr<quorum_wait>;
using clear_job_ptr = std::shared_ptr<clear_job>;

} // namespace panal

CAF_BEGIN_TYPE_ID_BLOCK(panal, caf::first_custom_type_id)

// -- within a node: an actor's words to itself ------------------------------

CAF_ADD_ATOM(panal, panal, commit_atom, "commit")
CAF_ADD_ATOM(panal, panal, fold_atom, "fold")
CAF_ADD_ATOM(panal, panal, sweep_atom, "sweep")
CAF_ADD_ATOM(panal, panal, retry_atom, "retry")
CAF_ADD_ATOM(panal, panal, beat_atom, "beat")

// -- within a node: requests to the journal ---------------------------------

CAF_ADD_ATOM(panal, panal, cursor_atom, "cursor")
CAF_ADD_ATOM(panal, panal, member_atom, "member")
CAF_ADD_ATOM(panal, panal, feed_atom, "feed")
CAF_ADD_ATOM(panal, panal, fact_atom, "fact")
CAF_ADD_ATOM(panal, panal, reissue_atom, "reissue")
CAF_ADD_ATOM(panal, panal, rebirth_atom, "rebirth")

// -- within a node: rounds through the shards --------------------------------

CAF_ADD_ATOM(panal, panal, mark_atom, "mark")
CAF_ADD_ATOM(panal, panal, line_atom, "line")
CAF_ADD_ATOM(panal, panal, scan_atom, "scan")
CAF_ADD_ATOM(panal, panal, forget_atom, "forget")

// -- between nodes: protocol 2, do not change -------------------------------

CAF_ADD_ATOM(panal, panal, hello_atom, "hello")
CAF_ADD_ATOM(panal, panal, frame_atom, "frame")

CAF_END_TYPE_ID_BLOCK(panal)

// Process-local: CAF refuses to send them to another node.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::operation_batch_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::queued_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::commit_note_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::committed_batches_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::remote_changes_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::remote_done)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::backlog_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::backlog_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::member)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::run_record)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::rejoin_plan)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::leaf_query_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::leaf_listing_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::leaf_comparison_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::leaf_difference_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::repair_changes_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::reissue_batch_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::reissue_report_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::quorum_wait_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::clear_job_ptr)
