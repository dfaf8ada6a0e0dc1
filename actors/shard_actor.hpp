#pragma once

// Moves messages around a shard (cluster/shard.hpp), which decides.

#include "actors/messages.hpp"
#include "cluster/shard.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <memory>
#include <vector>

namespace panal {

/// What a shard actor is made of.
struct shard_setup {
  table_ptr keys;
  shard_config config;
};

struct shard_state : shard_port {
  static inline constexpr const char* name = "shard";

  ~shard_state() override;

  // -- shard_port -------------------------------------------------------------
  void journal(change_batch_ptr batch, std::uint64_t epoch) override;
  void mark(std::uint64_t epoch, std::uint64_t hlc) override;
  void answer(std::vector<request_ptr> done) override;
  void await_members(quorum_wait wait) override;
  void merged(const remote_done& part) override;
  void reissued(reissue_report part) override;
  void want_line(std::uint64_t hlc) override;
  void listed(leaf_listing part) override;
  void compared(leaf_difference part) override;
  void spread_clear(const clear_notice& what) override;
  void wake(shard_task what, std::chrono::milliseconds pause) override;

  /// The state's own actor, and the ones downstream of it.
  caf::event_based_actor* self = nullptr;
  caf::actor log;
  caf::actor replicator;
  /// All shards, this one included, in the order of shard_of().
  std::vector<caf::actor> shards;
  std::unique_ptr<shard> core;
};

/// Spawned once per shard. Messages: those of messages.hpp that name the
/// shard; `(feed_atom, replicator)` and `(feed_atom, shards)`, once, and
/// `(start_atom)`, once, when the journal knows the shards: the first sweep
/// drops what expired while the node was down.
caf::behavior shard_actor(caf::stateful_actor<shard_state>* self,
                          const shard_setup& setup, caf::actor journal);

} // namespace panal
