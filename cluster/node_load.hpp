#pragma once

// What a node makes of its data directory when it starts: its shards' tables,
// and what it remembers of itself and of its peers. Starts a run.

#include "cluster/damage_ledger.hpp"
#include "cluster/replica.hpp"
#include "storage/hybrid_clock.hpp"
#include "storage/store.hpp"
#include "storage/table.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace panal {

/// A table that is handed to the shard which will own it.
using table_ptr = std::shared_ptr<table>;

struct node_load_config {
  /// This node's --node-id, and its cluster's name.
  std::string node_name;
  std::string cluster_name;
  /// How many shards the keys are spread over; at least 1.
  std::size_t shards = 1;
  /// For each table; `shard` is set here, and so is `keeps_tombstones` where
  /// the directory knows of other members.
  table_config tables;
  /// Whether the node takes part in a cluster now.
  bool clustered = false;
  /// Gets the keys that cannot be read; none: they pass for absent. Outlives
  /// what is loaded.
  unreadable_keys* unreadable = nullptr;
  /// Drawn anew for each start.
  std::uint64_t random = 0;
};

/// What came out of a data directory.
struct loaded_node {
  /// In the order of shard_of().
  std::vector<table_ptr> tables;
  /// The other members, the forgotten ones too.
  std::vector<member> known;
  replica_memory replica;
  /// Identity of the run that has begun.
  std::uint64_t run = 0;
  /// That run, if the disk has refused it: the journal saves it before it
  /// commits anything, and until then no peer may come to know of it.
  std::optional<run_record> owed_run;
  /// Where the node's sequence stands.
  position last = 0;
  /// What could not be read.
  damage_ledger damage;
};

/// Reads a data directory and begins a run in it. A directory that knows of no
/// peers and is to have some is folded first: a node without peers deletes
/// without tombstones, and would tell of what it has deleted. The clock is set
/// so that it issues nothing at or below what an earlier run has promised. Rows
/// that cannot be read do not stop it: a member of a cluster takes over from
/// the others what it has lost (loaded_node::replica says so), any other node
/// goes on with the rest.
/// @param time  outlives the tables.
/// Errors: those of reading the store; then the node cannot start. A disk that
/// refuses to write, since it is full, is none.
result<loaded_node> load_node(store& disk, const node_load_config& config,
                              hybrid_clock& time);

} // namespace panal
