#pragma once

// Spreads this node's changes to its peers and brings theirs to the shards.
// What is to be sent, and what may be acknowledged, is decided by the plain
// classes outbound and inbound; the actor moves frames around them.

#include "actors/cluster_messages.hpp"
#include "cluster/frame.hpp"
#include "cluster/inbound.hpp"
#include "cluster/outbound.hpp"
#include "cluster/recent_changes.hpp"

#include <caf/all.hpp>

#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace panal {

struct replicator_config {
  outbound_config window;
  /// Changes kept in memory for peers that keep up.
  std::size_t recent_bytes_max = std::size_t{16} << 20;
  /// How the peers' cursors stand at the start.
  std::map<origin_id, position> cursors;
};

struct replicator_state {
  static inline constexpr const char* name = "replicator";

  /// One peer: both directions, and the link while there is one.
  struct peer {
    explicit peer(outbound from_cursor) : out{std::move(from_cursor)} {}

    outbound out;
    inbound in{1};
    member who;
    std::uint64_t link_id = 0;
    caf::actor remote;
    /// A read from the store is under way.
    bool reading = false;
    position saved_cursor = 0;
  };

  /// From the journal, before its first news: where the sequence stands.
  void start(position last);
  void committed(const committed_batches& news);
  void link_changed(const peer_link& link);
  void frame_came(const peer_frame& said);
  void merged(const remote_done& part);
  void backlog_came(const backlog& found);
  void beat();
  void save_cursors();

  caf::event_based_actor* self = nullptr;
  replicator_config config;
  std::vector<caf::actor> shards;
  caf::actor journal;
  std::map<origin_id, peer> peers;
  std::optional<recent_changes> recent;
  std::size_t set_aside = 0;

private:
  peer& peer_of(origin_id who);
  void pump(origin_id who, peer& to);
  void send(peer& to, const change_run& run);
  void receive(origin_id from, peer& link, const changes_frame& said);
  void acknowledge(peer& link, position upto);
};

/// Spawned once in a cluster. Messages: those of messages.hpp and
/// cluster_messages.hpp that name the replicator.
caf::behavior replicator_actor(caf::stateful_actor<replicator_state>* self,
                               const replicator_config& config,
                               std::vector<caf::actor> shards,
                               caf::actor journal);

} // namespace panal
