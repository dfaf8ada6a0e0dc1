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
//                                                 committed it)
//   shard ------ clear_order --------> the other shards
//   replicator - (fact, number, value) -> journal, and back when it is durable
//   journal ---- reissue_batch ------> replicator -> shards
//   shard ------ reissue_report -----> replicator
//   membership - peer_link ----------> replicator (a peer came or went)
//   membership - peer_frame ---------> replicator (what a peer said)
//
// Between nodes only frames travel (cluster/frame.hpp), as bytes in a
// standard string: `(frame_atom, link id, bytes)`.

#include "actors/reply_inbox.hpp"
#include "cluster/shard_port.hpp"
#include "storage/change_batch.hpp"
#include "storage/journal.hpp"

#include <caf/all.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace panal {

/// journal -> shard: rows on disk that were found damaged while the node runs.
struct damage_found {
  std::vector<damaged_row> rows;
};

/// journal -> replicator: new changes in position order.
struct committed_batches {
  std::vector<change_batch_ptr> batches;
};

/// journal -> replicator -> shard: some of the writes that are to be issued
/// anew.
struct reissue_batch {
  std::vector<reissue> writes;
  /// See `fact`.
  std::uint64_t restamp_upto = 0;
  /// Why they could not be read; the replicator asks again.
  errc code = errc::ok;
};

/// replicator -> journal, and back once it is durable: the cluster that the
/// node's state belongs to.
struct identity_note {
  cluster_identity who;
  bool founder = false;
};

/// shard -> shard: a clear-all that the first one has decided; answered with
/// `(clear_atom, token)`.
struct clear_order {
  clear_notice what;
  caf::actor from;
};

using commit_note_ptr = std::shared_ptr<commit_note>;
using damage_found_ptr = std::shared_ptr<const damage_found>;
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

} // namespace panal

CAF_BEGIN_TYPE_ID_BLOCK(panal, caf::first_custom_type_id)

// -- within a node: an actor's words to itself ------------------------------

CAF_ADD_ATOM(panal, panal, commit_atom, "commit")
CAF_ADD_ATOM(panal, panal, fold_atom, "fold")
CAF_ADD_ATOM(panal, panal, start_atom, "start")
CAF_ADD_ATOM(panal, panal, wake_atom, "wake")
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
CAF_ADD_ATOM(panal, panal, clear_atom, "clear")
CAF_ADD_ATOM(panal, panal, forget_atom, "forget")

// -- between nodes: protocol 3, do not change -------------------------------

CAF_ADD_ATOM(panal, panal, hello_atom, "hello")
CAF_ADD_ATOM(panal, panal, frame_atom, "frame")

CAF_END_TYPE_ID_BLOCK(panal)

// Process-local: CAF refuses to send them to another node.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::operation_batch_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::queued_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::commit_note_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::damage_found_ptr)
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
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::identity_note)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::reissue_report_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::quorum_wait_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::clear_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(panal::shard_task)
