#pragma once

// Moves messages between the link book, which decides about links, and the
// world: the gatekeeper's sockets, CAF, the replicator and the journal. It is
// the one actor that other nodes can talk to; every word between nodes is
// `(frame_atom, link id, bytes)`, and each link starts with the dialler's
// `(hello_atom, link id)`, from which the other side learns whom to answer.

#include "actors/cluster_messages.hpp"
#include "actors/link_guard.hpp"
#include "cluster/link_book.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace panal {

/// What the membership actor is made of.
struct membership_setup {
  link_config config;
  /// How often the book looks at its links.
  std::chrono::milliseconds beat{250};
  std::unique_ptr<membership> roster;
  /// This process run's identity.
  std::uint64_t run = 0;
  /// Thread-safe; ask the gatekeeper.
  std::function<void(const std::string& address)> dial;
  std::function<void(origin_id who, std::uint64_t run)> refuse_copy;
  caf::actor replicator;
  caf::actor journal;
};

struct membership_state : link_port {
  static inline constexpr const char* name = "membership";

  /// What carries a link.
  struct wire {
    /// Until CAF gets it.
    socket_handle socket;
    link_guard guard;
    /// The peer's membership actor, once it has greeted.
    caf::actor remote;
    /// What has come over it, and what of that the book has heard of.
    byte_meter received;
    std::uint64_t heard = 0;
  };

  void admitted(admitted_peer& who);
  /// A greeting over CAF from `remote`.
  void greeted(std::uint64_t link_id, caf::actor remote);
  void frame_came(std::uint64_t link_id, std::string& bytes);
  void down(const caf::actor_addr& remote);
  void forget(operation_batch& batch);
  void saved(const member& who);
  void beat();

  // -- link_port
  void dial(const std::string& address) override { own.dial(address); }
  void adopt(std::uint64_t link_id, bool dialled) override;
  void close(std::uint64_t link_id) override;
  void refuse_copy(origin_id who, std::uint64_t run) override {
    own.refuse_copy(who, run);
  }
  void send(std::uint64_t link_id, std::string bytes) override;
  void save(const member& who) override;
  void ask_seen(origin_id who) override;
  void tell_members(std::vector<member> all) override;
  void tell_up(const member& who, std::uint64_t run,
               std::uint64_t link_id) override;
  void tell_down(const member& who) override;
  void tell_copied() override;
  void tell_forgotten(std::uint64_t seen_hlc, bool by_another_name) override;
  void note(link_event what, const member& who,
            std::string_view detail) override;

  caf::event_based_actor* self = nullptr;
  membership_setup own;
  std::unique_ptr<link_book> book;
  std::map<std::uint64_t, wire> wires;
  /// Requests that a member be forgotten: answered once that is durable.
  std::multimap<origin_id, operation_batch_ptr> forgetting;

private:
  void look_for_bytes();
  void answer_forgets(origin_id who);
};

/// Spawned once in a cluster. Messages: those of cluster_messages.hpp that
/// name the membership, operation_batch_ptr of verb::forget, `(member_atom,
/// member)` from the journal; hello and frames from peers.
caf::behavior membership_actor(caf::stateful_actor<membership_state>* self,
                               std::shared_ptr<membership_setup> setup);

} // namespace panal
