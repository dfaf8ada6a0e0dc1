#pragma once

// Keeps the links to the peers: dials whom the membership names, hands proven
// sockets to CAF, beats, notices silence, and tells the replicator who is
// there. It is the one actor that other nodes can talk to; every word between
// nodes is `(frame_atom, link id, bytes)`, and each link starts with the
// dialler's `(hello_atom, link id)`, from which the other side learns whom to
// answer.
//
//   admitted --adopted by CAF, greeted--> up --silence, DOWN--> gone

#include "actors/cluster_messages.hpp"
#include "cluster/frame.hpp"
#include "cluster/membership.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>

namespace panal {

struct link_config {
  std::chrono::milliseconds beat{250};
  /// A link on which nothing has been heard for so long is cut: with one beat
  /// on top it keeps the promise that a vanished peer is noticed within 3 s.
  std::chrono::milliseconds silence_max{2'000};
  /// From the handshake's end to the first word over CAF.
  std::chrono::milliseconds greeting_max{3'000};
};

/// Holds a second descriptor of a link's socket, since CAF offers no way to
/// close a connection: destroying it shuts the socket down, and CAF notices.
class link_guard {
public:
  explicit link_guard(int fd) noexcept : fd_{fd} {}
  link_guard(link_guard&& other) noexcept;
  link_guard& operator=(link_guard&& other) noexcept;
  ~link_guard();

private:
  int fd_;
};

struct membership_state {
  static inline constexpr const char* name = "membership";

  struct link {
    member who;
    link_guard guard;
    /// The peer's membership actor, once it has greeted.
    caf::actor remote;
    steady_time heard_at;
  };

  void admitted(admitted_peer& who);
  void introduced(const introduction& told);
  void dial_failed(const failed_dial& told);
  /// A greeting over CAF from `remote`: the link is up.
  void greeted(std::uint64_t link_id, caf::actor remote);
  void frame_came(std::uint64_t link_id, std::string& bytes);
  void down(const caf::actor_addr& remote);
  void beat();
  void cut_all();

  caf::event_based_actor* self = nullptr;
  link_config config;
  std::unique_ptr<membership> roster;
  /// Thread-safe; asks the gatekeeper.
  std::function<void(const std::string& address)> dial;
  /// The sequence's end, for heartbeats.
  std::function<unix_ms()> wall_clock;
  caf::actor replicator;
  caf::actor journal;
  std::map<std::uint64_t, link> links;

private:
  using link_map = std::map<std::uint64_t, link>;

  bool makes_room(const member& who);
  void adopt(int fd, std::uint64_t link_id, bool dialled);
  void cut(link_map::iterator gone, std::string_view why);
  void learn(const member& who, const std::string& dialled);
  void tell_all_members();
  void dial_due();
};

/// What the membership actor is made of.
struct membership_setup {
  link_config config;
  std::unique_ptr<membership> roster;
  std::function<void(const std::string& address)> dial;
  std::function<unix_ms()> wall_clock;
  caf::actor replicator;
  caf::actor journal;
};

/// Spawned once in a cluster. Messages: admitted_ptr, introduction,
/// failed_dial from the gatekeeper; hello and frames from peers.
caf::behavior membership_actor(caf::stateful_actor<membership_state>* self,
                               std::shared_ptr<membership_setup> setup);

} // namespace panal
