#pragma once

// What the files of sim_node have in common: its parts, and how messages go
// between them.

#include "tests/simulator/cluster.hpp"
#include "tests/simulator/sim_node.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

// Parts of a node, as senders and receivers of messages.
inline constexpr unsigned replicator = 0;
inline constexpr unsigned membership_part = 1;
inline constexpr unsigned journal_part = 2;
inline constexpr unsigned first_shard = 3;
inline constexpr unsigned parts_max = first_shard + shards_max;

inline constexpr std::uint64_t digest_secret = 0x5eed;
/// Where links have a rate: what is cut, into what at most.
inline constexpr std::size_t large_bytes = 96;
inline constexpr std::size_t piece_bytes = 64;
inline constexpr sim_time beat_pause = 400 * millisecond;
inline constexpr sim_time look_pause = 250 * millisecond;

/// Runs `what` at the receiver a little later, and after all that this sender
/// has sent it before; not at all if the node has died by then.
template <class F>
void sim_node::post(unsigned from, unsigned to, F what) {
  auto& last = fifo_[from * parts_max + to];
  auto& world = around_.around;
  last = std::max(last + 1, world.now() + world.random.between(5, 400));
  world.at(last, life_, std::move(what));
}

} // namespace panal::sim
