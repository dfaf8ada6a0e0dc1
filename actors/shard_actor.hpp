#pragma once

// A shard: owns the keys whose hash picks it. Its table decides; the actor
// brings operations and peers' changes to it, sends what it has decided to the
// journal, and holds answers back until the journal has committed.

#include "actors/messages.hpp"
#include "actors/waiting_line.hpp"
#include "storage/table.hpp"

#include <caf/all.hpp>

#include <memory>

namespace panal {

/// A table that is handed to the actor which will own it.
using table_ptr = std::shared_ptr<table>;

struct shard_state {
  static inline constexpr const char* name = "shard";

  /// An answer that waits for a commit.
  struct held_reply {
    request_ptr what;
    reply_inbox_ptr home;
  };

  /// Answers every request that is still held: `unavailable`.
  ~shard_state();

  void apply(operation_batch& batch);
  void merge(const remote_changes& part);
  void note(const commit_note& result);
  void retry();
  /// A bounded step; arranges for the next one.
  void sweep();

  /// The state's own actor, and the ones downstream of it.
  caf::event_based_actor* self = nullptr;
  caf::actor journal;
  caf::actor replicator;
  table_ptr keys;
  waiting_line<held_reply> held_replies;
  waiting_line<remote_done> held_merges;
  bool sweep_is_due = false;

private:
  void hand_to_journal();
  void send_batch(change_batch_ptr batch);
  void release(errc code, std::vector<held_reply> replies);
  void report(errc code, std::vector<remote_done> merges);
  void arrange_sweep();
};

/// Spawned once per shard. Messages: operation_batch_ptr, remote_changes_ptr,
/// commit_note_ptr, `(feed_atom, replicator)`, once, in a cluster, and
/// `(sweep_atom)`, once, when the journal knows the shards: the first sweep
/// drops what expired while the node was down.
caf::behavior shard_actor(caf::stateful_actor<shard_state>* self,
                          table_ptr keys, caf::actor journal);

} // namespace panal
