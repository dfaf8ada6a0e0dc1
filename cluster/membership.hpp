#pragma once

// Who belongs to the cluster, and whom to dial now. One reachable member is
// enough to learn of all: members exchange the lists that they know, and each
// list is remembered across restarts.
//
// Every known member without a link is dialled, with backoff and jitter, for
// ever. Of two nodes only the one with the smaller origin keeps its dialled
// connection; when the other dials, it is introduced and dialled back.

#include "cluster/backoff.hpp"
#include "cluster/outbound.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// Not thread-safe; owned by the membership actor.
class membership {
public:
  /// @param self   this node, with the address that peers are to dial.
  /// @param known  the remembered members.
  /// @param seeds  "host:port" of any members, from --join.
  /// @param seed   of the jitter.
  membership(member self, const std::vector<member>& known,
             const std::vector<std::string>& seeds, std::uint64_t seed);

  /// A member has introduced itself on an authenticated connection.
  /// @param dialled  the address that this node dialled, empty if the member
  ///                 did.
  /// @return true if that is news, to be remembered and told to all.
  bool introduced(const member& who, const std::string& dialled);

  /// Another member says that these belong to the cluster, or were removed.
  /// Hearsay of what is known counts only where another member is found at the
  /// known address.
  /// @return those of which that is news, to be remembered and told to all.
  std::vector<member> heard_of(const std::vector<member>& known);

  /// Removes a member: it is not dialled any more, and not let in under its
  /// origin.
  /// @param seen_hlc  what it stamped up to here has been merged.
  /// @return it, to be remembered and told to all; nothing if it is not known
  ///         or was forgotten already.
  std::optional<member> forget(origin_id who, std::uint64_t seen_hlc);
  bool is_forgotten(origin_id who) const;
  /// The member, not forgotten, that bears this name; of two the one without a
  /// link.
  std::optional<member> find_name(std::string_view name) const;
  /// Members without a link whose name and address a linked one bears: their
  /// data directories were replaced, and they are to be forgotten. To be
  /// asked often: a contested one has to be found so for a minute.
  std::vector<origin_id> replaced(steady_time now);

  /// From time to time, a linked member that is to be told all members again:
  /// the news of one may have been lost.
  std::optional<origin_id> listener(steady_time now);

  void link_up(origin_id who);
  /// @param faulty  it broke the protocol: the pauses before it is dialled
  ///                again go on growing.
  void link_down(origin_id who, steady_time now, bool faulty = false);

  /// The addresses to dial now; each is due again only after dial_ended().
  std::vector<std::string> due(steady_time now);
  /// A dial has ended, in whatever way.
  void dial_ended(const std::string& address, steady_time now);
  /// The address turned out to be this node's own.
  void is_self(const std::string& address);

  const member& self() const noexcept { return self_; }
  /// All that are known, the forgotten too, but this node.
  std::vector<member> others() const;
  /// The same, and this node.
  std::vector<member> all() const;
  std::optional<member> find(origin_id who) const;
  bool is_linked(origin_id who) const;

private:
  struct known_peer {
    member who;
    bool linked = false;
    /// It was seen under two names: there may be two of it.
    bool contested = false;
    std::optional<steady_time> replaced_since;
  };
  struct target {
    backoff pause;
    steady_time due_at{};
    bool under_way = false;
  };

  void drop(known_peer& gone, std::uint64_t seen_hlc);
  bool has_successor(const known_peer& old) const;
  bool is_taken(const std::string& address) const;
  bool is_wanted(const std::string& address) const;
  void aim_at(const std::string& address);
  void stop_dialling(const std::string& address);

  member self_;
  std::map<origin_id, known_peer> peers_;
  /// --join, and the member that each address has led to, 0 at first.
  std::map<std::string, origin_id> seeds_;
  std::map<std::string, target> targets_;
  steady_time next_word_{};
  std::mt19937_64 random_;
};

} // namespace panal
