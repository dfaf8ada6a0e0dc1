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
//   membership - peer_link ----------> replicator (a peer came or went)
//   membership - peer_frame ---------> replicator (what a peer said)
//
// Between nodes only frames travel (cluster/frame.hpp), as bytes in a
// standard string: `(frame_atom, link id, bytes)`.

#include "actors/reply_inbox.hpp"
#include "storage/change_batch.hpp"
#include "storage/journal.hpp"

#include <caf/all.hpp>

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

/// replicator -> shard: those changes of a peer's frame that are its keys'.
struct remote_changes {
  origin_id peer = 0;
  /// Which frame; comes back with remote_done.
  std::uint64_t ticket = 0;
  std::vector<change> changes;
};

/// shard -> replicator: its part of a frame is merged and durable, or failed.
struct remote_done {
  origin_id peer = 0;
  std::uint64_t ticket = 0;
  errc code = errc::ok;
  /// Changes that held a stamp from the far future, or were none at all.
  std::size_t set_aside = 0;
};

/// replicator -> journal: changes for a peer that memory no longer holds.
struct backlog_request {
  origin_id peer = 0;
  position after = 0;
  read_limits limits;
};

/// journal -> replicator: the answer to it.
struct backlog {
  origin_id peer = 0;
  position after = 0;
  errc code = errc::ok;
  std::vector<change> changes;
  /// The newest position when the store was read.
  position last = 0;
};

using commit_note_ptr = std::shared_ptr<commit_note>;
using committed_batches_ptr = std::shared_ptr<committed_batches>;
using remote_changes_ptr = std::shared_ptr<remote_changes>;
using backlog_ptr = std::shared_ptr<backlog>;

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

// -- between nodes: protocol 1, do not change -------------------------------

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
