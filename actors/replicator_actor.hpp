#pragma once

// Moves messages around the node's replica (cluster/replica.hpp), which
// decides what is spread, taken in and judged; answers questions about the
// cluster, and writes that wait for members.

#include "actors/cluster_messages.hpp"
#include "cluster/replica.hpp"
#include "cluster/shard_rounds.hpp"
#include "storage/data_counts.hpp"
#include "storage/node_conditions.hpp"

#include <caf/all.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace panal {

/// What the replicator is made of.
struct replicator_setup {
  replica_config config;
  replica_memory memory;
  hybrid_clock* stamps = nullptr;
  node_gate* gate = nullptr;
  /// None: nobody looks.
  node_conditions* conditions = nullptr;
  /// There are members that the node was told to join.
  bool has_seeds = false;
  const digest_tree* digests = nullptr;
  const clock* wall_clock = nullptr;
  /// How long a write waits for members at most.
  std::chrono::milliseconds quorum_patience{4'000};
  /// What the node holds, for the report; none: nothing is said of it.
  const data_counts* counts = nullptr;
  std::vector<caf::actor> shards;
  caf::actor journal;
};

struct replicator_state : replica_port, shards_port {
  static inline constexpr const char* name = "replicator";

  /// A link, as far as the replicator speaks over it.
  struct link {
    std::uint64_t id = 0;
    caf::actor remote;
  };
  ~replicator_state() override;

  void link_changed(const peer_link& link);
  void frame_came(const peer_frame& said);
  void merged(const remote_done& part);
  void listing_came(leaf_listing& part);
  void difference_came(leaf_difference& part);
  void reissues_came(reissue_batch& all);
  void reissue_done(const reissue_report& part);
  void identity_saved(const identity_note& note);
  void await(quorum_wait& wait);
  void answer_questions(operation_batch& batch);
  void beat();
  void state_conditions();
  moment now() const;

  // -- replica_port
  // ------------------------------------------------------------
  void send(origin_id peer, std::string bytes) override;
  void cut(origin_id peer, std::string_view why, bool faulty) override;
  void merge(std::size_t shard, remote_changes part) override;
  void read_backlog(const backlog_request& wanted) override;
  void save_cursor(origin_id peer, position acknowledged,
                   const run_record& met) override;
  void save_fact(fact which, std::uint64_t value) override;
  void add_run(const run_record& run, origin_id peer) override;
  void mark(std::uint64_t hlc) override;
  void set_line(std::uint64_t line, std::uint64_t collect_upto) override;
  void list(std::uint64_t token, std::vector<std::uint32_t> leaves) override;
  void compare(leaf_comparison with) override;
  void reconcile(repair_changes with) override;
  void save_identity(const cluster_identity& who, bool founder) override;
  void note_stranger(origin_id peer, const cluster_identity& own,
                     const cluster_identity& theirs, bool gives_way) override;
  void note_lie(origin_id peer, std::uint64_t line,
                std::uint64_t mark) override;
  void reissue_some(std::uint64_t restamp_upto,
                    const std::string& after) override;
  void rejoin(const rejoin_plan& plan) override;
  void answer(std::uint64_t ticket, std::size_t members_reached,
              bool in_time) override;

  // -- shards_port ------------------------------------------------------------
  void list(std::size_t shard, std::shared_ptr<const leaf_query> what) override;
  void compare(std::size_t shard,
               std::shared_ptr<const leaf_comparison> what) override;
  void reconcile(std::size_t shard, repair_changes part) override;
  void reissue_in(std::size_t shard, std::vector<reissue> part,
                  std::uint64_t restamp_upto) override;

  caf::event_based_actor* self = nullptr;
  replicator_setup setup;
  std::unique_ptr<replica> core;
  caf::actor membership;
  std::map<origin_id, link> links;
  std::unique_ptr<shard_rounds> rounds;
  std::map<std::uint64_t, quorum_wait> waits;
  /// Beats for which the node has been alone.
  unsigned beats_alone = 0;
  /// The last key of the writes that are being issued anew.
  std::string last_reissue;
  std::uint64_t next_wait = 0;
};

/// Spawned once. Messages: those of messages.hpp and cluster_messages.hpp that
/// name the replicator; `(feed_atom, position)` from the journal,
/// `(feed_atom, membership)`, once, in a cluster.
caf::behavior replicator_actor(caf::stateful_actor<replicator_state>* self,
                               std::shared_ptr<replicator_setup> setup);

} // namespace panal
