#pragma once

// A shard: owns the keys whose hash picks it. Its table decides; the actor
// brings operations and peers' changes to it, sends what it has decided to the
// journal, and holds answers back until the journal has committed.

#include "actors/messages.hpp"
#include "actors/waiting_line.hpp"
#include "cluster/leaf_walk.hpp"
#include "cluster/node_load.hpp"
#include "storage/table.hpp"

#include <caf/all.hpp>

#include <deque>
#include <memory>
#include <vector>

namespace panal {

/// What a shard is made of.
struct shard_setup {
  table_ptr keys;
  /// This shard's number.
  std::size_t index = 0;
  const digest_tree* digests = nullptr;
  std::uint64_t digest_secret = 0;
};

struct shard_state {
  static inline constexpr const char* name = "shard";

  /// An answer that waits for a commit.
  struct held_reply {
    request_ptr what;
    reply_inbox_ptr home;
    /// The change that it waits for, and whose commits it waits for then.
    std::uint64_t after = 0;
    write_level wanted = write_level::memory;
    /// Set for a shard's part of a clear-all, which answers by itself.
    clear_job_ptr clear;
  };

  /// A report that waits for a commit.
  struct held_report {
    remote_done merge;
    reissue_report_ptr reissue;
  };

  /// Answers every request that is still held: `unavailable`.
  ~shard_state();

  void apply(operation_batch& batch);
  void clear(const clear_job_ptr& job);
  void merge(const remote_changes& part);
  void reconcile(const repair_changes& with);
  void reissue_all(const reissue_batch& batch);
  void note(const commit_note& result);
  void retry();
  /// A bounded step; arranges for the next one.
  void sweep();
  void mark(std::uint64_t hlc);
  void set_line(std::uint64_t line, std::uint64_t collect_upto);
  void list(const leaf_query& query);
  void compare(const leaf_comparison& with);
  void walk_step();

  /// The state's own actor, and the ones downstream of it.
  caf::event_based_actor* self = nullptr;
  caf::actor journal;
  caf::actor replicator;
  /// All shards, this one included, in the order of shard_of().
  std::vector<caf::actor> shards;
  shard_setup own;
  waiting_line<held_reply> held_replies;
  waiting_line<held_report> held_reports;
  std::deque<leaf_walk> walks;
  bool sweep_is_due = false;
  bool walk_is_due = false;

private:
  table& keys() noexcept { return *own.keys; }
  void start_clear(request_ptr what, const reply_inbox_ptr& home);
  void finish_clear(const clear_job_ptr& job, errc code, position at);
  void hand_to_journal();
  void send_batch(change_batch_ptr batch);
  void release(const commit_note& result, std::vector<held_reply> replies);
  void wait_for_members(held_reply held, position at);
  void report(errc code, std::vector<held_report> reports);
  void report_when_durable(std::uint64_t after, held_report what);
  void arrange_sweep();
  void arrange_walk();
  void finish_walk(leaf_walk& walk);
};

/// Spawned once per shard. Messages: those of messages.hpp that name the
/// shard; `(feed_atom, replicator)` and `(feed_atom, shards)`, once, and
/// `(sweep_atom)`, once, when the journal knows the shards: the first sweep
/// drops what expired while the node was down.
caf::behavior shard_actor(caf::stateful_actor<shard_state>* self,
                          const shard_setup& setup, caf::actor journal);

} // namespace panal
