#pragma once

// Whether a node may join its state with a peer's, or has to rejoin fenced: to
// give up its identity and its replicated state, take the cluster's over, and
// issue its own writes anew that no member has seen. Each node judges itself
// by what the peer tells it; the peer trusts that judgement.
//
// A node has to rejoin when
//   - a peer remembers a run of it, or a position in a run, that the node does
//     not know: its directory is a restored backup or a copy;
//   - the peer belongs to another cluster, which was born first, or to one at
//     all where the node belongs to none, and the node holds anything: what it
//     holds may lie below the other's line. It keeps all that it holds, to
//     issue it anew: nothing of that is known there;
//   - the members have forgotten it;
//   - another process runs under the same identity: it is a copy;
//   - it cannot read what it says of itself, or some key's state that no member
//     has acknowledged.

#include "storage/change_batch.hpp"
#include "storage/cluster_identity.hpp"
#include "storage/entry.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace panal {

/// What a node knows of itself when it judges.
struct standing {
  /// Its runs, oldest first; the last is the present one.
  std::vector<run_record> runs;
  position last = 0;
  bool has_data = false;
  /// The cluster that its state belongs to.
  cluster_identity identity;
  /// It has made marks, or drawn a line, or is about to take a state over.
  bool is_bound = false;
};

/// What a peer tells the node of itself.
struct peer_memory {
  /// The node's runs that the peer remembers, oldest first.
  std::vector<run_record> runs;
  /// What the node stamped up to here has been merged by a member.
  std::uint64_t seen_hlc = 0;
  /// The cluster that the peer's state belongs to.
  cluster_identity identity;
  /// The peer was among those that bore it: no line of it was drawn without
  /// those that the peer had met by then.
  bool founder = false;
  /// No line that may be drawn without the node is above.
  std::uint64_t ceiling = 0;
};

/// How a node is to rejoin.
struct rejoin_plan {
  std::string_view reason;
  /// The node's own writes stamped up to here have been seen by a member,
  std::uint64_t seen_hlc = 0;
  /// but for those from here on, which were made in a life that no member has
  /// met.
  std::uint64_t unmet_hlc = ~std::uint64_t{0};
  /// Not 0: what stands at or before this position was seen too.
  position seen_position = 0;
  /// The cluster is to forget the old identity. Not if another process lives
  /// under it.
  bool forget_former = true;
  /// All that the node holds is issued anew, whoever wrote it.
  bool keeps_all = false;
  /// What of that is stamped above keeps its stamps: no line has passed it,
  /// and so its order among all that comes from where the node was stays.
  /// 0: nothing does.
  std::uint64_t restamp_upto = 0;
  /// The cluster that the node belongs to from then on.
  cluster_identity identity;
};

/// What comes of a peer's greeting.
enum class verdict_on_peer : std::uint8_t {
  /// The states may join.
  joins,
  /// They may once this node has taken the peer's identity.
  adopts,
  /// The peer has to give way first.
  waits,
  /// This node has to.
  rejoins,
};

struct judgement {
  verdict_on_peer what = verdict_on_peer::joins;
  /// Of `rejoins`.
  rejoin_plan plan;
};

/// The node's judgement.
judgement judge(const standing& own, const peer_memory& peer);

/// The plan of a node that hears that it was forgotten, or is a copy.
/// @param met_run  the newest own run that has met a peer.
rejoin_plan forgotten_plan(const standing& own, std::uint64_t seen_hlc,
                           std::uint64_t met_run);
/// @param acknowledged  the most that any member has acknowledged to this
///                      directory: what another process of the identity was
///                      told does not count.
/// @param line  its own.
rejoin_plan copied_plan(const standing& own, position acknowledged,
                        std::uint64_t line);

/// The plan of a node that cannot read enough of its disk to go on.
/// @param theirs  the cluster of the peer that tells of it.
rejoin_plan damaged_plan(std::uint64_t seen_hlc,
                         const cluster_identity& theirs);

/// What is left of an entry when only what `origin` has written and no member
/// has seen is kept, or all if the plan says so; nothing if that is nothing.
/// @param at  where the entry stands in the origin's sequence.
std::optional<entry> unseen(const entry& state, position at, origin_id origin,
                            const rejoin_plan& plan);

/// Carries a plan out on the node's disk: see store::rebirth_from. The node
/// starts anew afterwards. Holds one entry at a time in memory. What cannot be
/// read is passed over.
/// @param fresh  a newly drawn origin.
/// @param self  the node as the members know it.
result<void> rejoin(store& disk, const rejoin_plan& plan, origin_id fresh,
                    const member& self);

} // namespace panal
