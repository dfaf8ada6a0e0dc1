#pragma once

// What a node is made of, in the order of its making; for node*.cpp only.

#include "actors/gatekeeper.hpp"
#include "actors/node.hpp"
#include "actors/replicator_actor.hpp"
#include "actors/shard_actor.hpp"
#include "cluster/node_load.hpp"
#include "storage/data_counts.hpp"
#include "storage/digest_tree.hpp"
#include "storage/hybrid_clock.hpp"
#include "storage/node_conditions.hpp"
#include "storage/node_gate.hpp"
#include "storage/unreadable_keys.hpp"

#include <caf/all.hpp>

#include <functional>
#include <future>
#include <memory>
#include <vector>

namespace panal {

/// Work sharing wakes a sleeping worker at once and does not poll while idle;
/// stealing costs 1 % of a core at rest and milliseconds under load.
struct system_config : caf::actor_system_config {
  explicit system_config(const options& settings);
};

struct node::parts {
  parts(const options& given, std::unique_ptr<store> disk, const clock& time);

  const options& settings;
  const clock& wall_clock;
  hybrid_clock stamps;
  node_gate serves;
  /// Each part states here what is wrong with it.
  node_conditions conditions;
  unreadable_keys unreadable{&conditions};
  digest_tree digests;
  data_counts counts;
  std::uint64_t digest_secret;
  system_config config;
  /// The store, until the journal takes it over.
  std::unique_ptr<store> opened;
  origin_id origin = opened->origin();
  /// What came out of it.
  loaded_node loaded;
  std::unique_ptr<caf::actor_system> system;
  std::vector<caf::actor> shards;
  caf::actor journal;
  caf::actor replicator;
  caf::actor membership;
  std::unique_ptr<gatekeeper> gate;
  /// Set by join_cluster(), called on the journal's thread.
  std::function<void()> on_rejoin;

  result<void> load();
  void spawn();
  void spawn_replicator();
  void spawn_cluster(const member& self);
  result<std::uint16_t> open_gate(std::shared_future<caf::actor> to);
  void stop(caf::actor& part);
};

} // namespace panal
