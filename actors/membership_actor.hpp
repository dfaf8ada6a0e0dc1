#pragma once

// Keeps the links to the peers: dials whom the membership names, hands proven
// sockets to CAF, notices silence, and tells the replicator who belongs to the
// cluster and who is there. It is the one actor that other nodes can talk to;
// every word between nodes is `(frame_atom, link id, bytes)`, and each link
// starts with the dialler's `(hello_atom, link id)`, from which the other side
// learns whom to answer.
//
//   admitted --adopted by CAF, greeted--> up --silence, DOWN--> gone

#include "actors/cluster_messages.hpp"
#include "actors/link_guard.hpp"
#include "cluster/frame.hpp"
#include "cluster/membership.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <utility>

namespace panal {

struct link_config {
  /// How often silence is looked for.
  std::chrono::milliseconds beat{250};
  /// A link on which nothing has been heard for so long is cut: with one beat
  /// on top it keeps the promise that a vanished peer is noticed within 3 s.
  std::chrono::milliseconds silence_max{2'000};
  /// From the handshake's end to the first word over CAF.
  std::chrono::milliseconds greeting_max{3'000};
  /// A second process under the identity of a peer that goes on speaking for
  /// so long is a copy of it, not its next run.
  std::chrono::milliseconds copy_patience{5'000};
  /// How long a peer that broke the protocol is kept out, at first and at
  /// most.
  std::chrono::milliseconds penalty_min{1'000};
  std::chrono::milliseconds penalty_max{60'000};
};

/// What the membership actor is made of.
struct membership_setup {
  link_config config;
  std::unique_ptr<membership> roster;
  /// This process run's identity.
  std::uint64_t run = 0;
  /// Thread-safe; ask the gatekeeper.
  std::function<void(const std::string& address)> dial;
  std::function<void(origin_id who, std::uint64_t run)> refuse_copy;
  caf::actor replicator;
  caf::actor journal;
};

struct membership_state {
  static inline constexpr const char* name = "membership";

  struct link {
    member who;
    std::uint64_t run = 0;
    link_guard guard;
    /// The peer's membership actor, once it has greeted.
    caf::actor remote;
    steady_time heard_at;
    /// The peer was forgotten: it is told so, and no more.
    bool farewell = false;
  };

  void admitted(admitted_peer& who);
  void introduced(const introduction& told);
  void dial_failed(const failed_dial& told);
  void disowned(const disowning& told);
  /// A greeting over CAF from `remote`: the link is up.
  void greeted(std::uint64_t link_id, caf::actor remote);
  void frame_came(std::uint64_t link_id, std::string& bytes);
  void down(const caf::actor_addr& remote);
  void cut_wanted(const cut_request& wanted);
  void forget(operation_batch& batch);
  void beat();
  void cut_all();
  void tell_replicator();

  caf::event_based_actor* self = nullptr;
  membership_setup own;
  std::map<std::uint64_t, link> links;

private:
  using link_map = std::map<std::uint64_t, link>;

  struct penalty {
    backoff pause;
    steady_time until;
  };

  membership& roster() noexcept { return *own.roster; }
  link_map::iterator link_of(origin_id who);
  bool is_second_claim(const member& who, std::uint64_t run);
  bool makes_room(const member& who);
  void adopt(int fd, std::uint64_t link_id, bool dialled);
  void members_came(link& from, std::string_view bytes);
  void cut(link_map::iterator gone, std::string_view why, bool faulty = false);
  void learn(const member& who, const std::string& dialled);
  void forget_replaced();
  void forget_one(const member& who, request_ptr asked,
                  const reply_inbox_ptr& home);
  void remember(const std::vector<member>& news);
  void send_members(const link& to, std::uint64_t link_id);
  void dial_due();

  /// Runs that claim the identity of a linked peer, and since when; bounded.
  std::map<std::pair<origin_id, std::uint64_t>, steady_time> claims_;
  std::map<origin_id, penalty> penalties_;
};

/// Spawned once in a cluster. Messages: those of cluster_messages.hpp that
/// name the membership, operation_batch_ptr of verb::forget; hello and frames
/// from peers.
caf::behavior membership_actor(caf::stateful_actor<membership_state>* self,
                               std::shared_ptr<membership_setup> setup);

} // namespace panal
