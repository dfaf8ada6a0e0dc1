#pragma once

// Which links there are and to whom, and what is to be said and done at each
// event: who is dialled, which connection becomes a link and which has to give
// way, what a link's silence means, who is kept out, what a forgotten member is
// told. The roster (cluster/membership) says who belongs to the cluster; the
// book turns that into links.
//
//   admitted --saved--> greeting --greeted--> up --silence, lost, cut--> gone
//
// A member is durable before its link opens: a node that had merged what a
// member sent, and then did not know it any more, would draw its line without
// it. A member that was durable before need not wait.

#include "cluster/link_claims.hpp"
#include "cluster/link_penalties.hpp"
#include "cluster/link_port.hpp"
#include "cluster/membership.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

struct link_config {
  /// A link on which nothing has been heard for so long is cut: with one beat
  /// on top it keeps the promise that a vanished peer is noticed within 3 s.
  std::chrono::milliseconds silence_max{2'000};
  /// A link that has been silent for so long gives way to a new connection of
  /// the same peer: most likely the peer has lost it without our noticing.
  std::chrono::milliseconds doubtful_silence{1'000};
  /// From the handshake's end to the first word on the link.
  std::chrono::milliseconds greeting_max{3'000};
  /// Before a member whose saving has not been confirmed is saved again.
  std::chrono::milliseconds save_pause{1'000};
  /// How long a forgotten peer is listened to: time to tell it.
  std::chrono::milliseconds farewell_length{1'000};
  /// A second process under the identity of a peer that goes on speaking for
  /// so long is a copy of it, not its next run.
  std::chrono::milliseconds copy_patience{5'000};
  /// How long a peer that broke the protocol is kept out, at first and at
  /// most.
  std::chrono::milliseconds penalty_min{1'000};
  std::chrono::milliseconds penalty_max{60'000};
  /// After so long a time without a fault the next pause is a first one.
  std::chrono::milliseconds penalty_forgiven{600'000};
};

/// A peer that has proven itself on a connection.
struct proven_peer {
  member who;
  /// The identity of its process run.
  std::uint64_t run = 0;
  /// The address that this node dialled; empty if the peer did.
  std::string dialled;
};

/// Not thread-safe; owned by the membership actor, or a simulated node.
class link_book {
public:
  /// @param run   the identity of this node's process run.
  /// @param port  outlives the book.
  link_book(const link_config& config, std::unique_ptr<membership> roster,
            std::uint64_t run, link_port& port);

  /// Tells the replica who is known; once, before anything else.
  void start();

  // -- what the gatekeeper says

  /// A connection whose peer has proven itself is there: it becomes a link, or
  /// is closed.
  void admitted(std::uint64_t link_id, const proven_peer& peer,
                steady_time now);
  /// The peer is proven, but one has to dial back.
  void introduced(const proven_peer& peer, steady_time now);
  /// A dial has led nowhere.
  /// @param is_self  the address leads back to this node.
  void dial_failed(const std::string& address, bool is_self, steady_time now);
  /// A proven peer says that this node runs twice.
  /// @param run  the identity of the peer's process run.
  void called_copy(const member& by, std::uint64_t run);

  // -- what happens on the links

  /// The other end of an adopted connection can be talked to.
  void greeted(std::uint64_t link_id, steady_time now);
  /// Bytes have come: a sign of life, also if they make no whole frame yet.
  void heard(std::uint64_t link_id, steady_time now);
  /// @return the peer, if the frame is the replica's to judge.
  std::optional<origin_id> frame_came(std::uint64_t link_id,
                                      std::string_view bytes, steady_time now);
  /// The link is to end, or has been lost.
  /// @param faulty  the peer broke the protocol: it is kept out for a while.
  void cut(std::uint64_t link_id, std::string_view why, bool faulty,
           steady_time now);

  // -- what the node says

  /// What was to be saved of a member is durable.
  void saved(const member& who, steady_time now);

  /// Looks for silence, for members that were replaced, and for whom to dial;
  /// to be called every quarter of a second or so.
  void beat(steady_time now);
  /// The member that bears this name and may be forgotten. Error: `not_found`;
  /// `conflict` if it is this node, or there is a link to it.
  result<origin_id> may_forget(std::string_view name) const;
  /// Removes a member, and tells everybody; nothing happens to one that was
  /// forgotten already.
  /// @param seen_hlc  what it stamped up to here has been merged.
  void forget(origin_id who, std::uint64_t seen_hlc, steady_time now);

  /// True if the newest that is known of a member is durable.
  bool is_saved(origin_id who) const {
    return durable_.contains(who) && !unsaved_.contains(who);
  }

  const membership& roster() const noexcept { return *roster_; }
  /// Links that are up or on their way.
  std::size_t size() const noexcept { return links_.size(); }
  std::size_t claims() const noexcept { return claims_.size(); }
  std::size_t penalties() const noexcept { return penalties_.size(); }

private:
  enum class stage : std::uint8_t {
    /// Its member is not durable yet.
    unsaved,
    /// Adopted, and nothing was said yet.
    greeting,
    up,
  };

  struct link {
    member who;
    std::uint64_t run = 0;
    stage at = stage::unsaved;
    bool dialled = false;
    /// The peer was forgotten: it is told so, and no more.
    bool farewell = false;
    /// Since then nothing was heard, or the present stage lasts.
    steady_time heard_at{};
  };
  using link_map = std::map<std::uint64_t, link>;

  struct owed_save {
    member who;
    steady_time asked_at{};
  };

  link_map::iterator link_of(origin_id who);
  bool is_second_claim(const proven_peer& peer, steady_time now);
  bool makes_room(origin_id who, steady_time now);
  bool is_overdue(const link& peer, steady_time now) const;
  void members_came(link_map::iterator from, std::string_view bytes,
                    steady_time now);
  void cut(link_map::iterator gone, std::string_view why, bool faulty,
           steady_time now);

  void learn(const proven_peer& peer, steady_time now);
  void remember(const std::vector<member>& news, steady_time now);
  void save(const member& who, steady_time now);
  void open(link_map::iterator ready, steady_time now);
  void send_members(std::uint64_t link_id);
  void dial_due(steady_time now);

  link_config config_;
  std::unique_ptr<membership> roster_;
  std::uint64_t run_;
  link_port& port_;
  link_map links_;
  /// Members that the disk has, and what it does not have of any; no more
  /// than the roster holds.
  std::set<origin_id> durable_;
  std::map<origin_id, owed_save> unsaved_;
  link_claims claims_;
  link_penalties penalties_;
};

} // namespace panal
