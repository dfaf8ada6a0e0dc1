#pragma once

// Digest repair (anti-entropy): finds what two nodes hold differently whatever
// the reason, by comparing digest trees from the root down, and makes it
// equal. Where nothing differs a round is two frames of a few bytes.
//
//   initiator                                    responder
//      | root                                        |
//      |-------------------------------------------->|
//      |              equal, or hashes of level 0    |
//      |<--------------------------------------------|
//      | ask for the children of what differs        |  a level at a time
//      |-------------------------------------------->|
//      |                                   hashes    |
//      |<--------------------------------------------|
//      | (a pause) ask for the differing leaves      |
//      |-------------------------------------------->|
//      |                                   hashes    |
//      |<--------------------------------------------|
//      | leaves: keys and entries of those that      |
//      | still differ                                |
//      |-------------------------------------------->|
//      |              leaves: the responder's        |
//      |<--------------------------------------------|
//      | entries that the other lacks or has         |
//      |<------------------------------------------->|  differently
//
// A round goes into a bounded number of leaves and sends a bounded number of
// bytes; what is left over is for the next one, which comes soon.

#include "cluster/frame.hpp"
#include "cluster/outbound.hpp"
#include "cluster/repair_port.hpp"
#include "cluster/repair_walk.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace panal {

struct repair_config {
  using milliseconds = std::chrono::milliseconds;

  /// The pause between two rounds of this node, drawn evenly.
  milliseconds interval_min{10'000};
  milliseconds interval_max{30'000};
  /// The pause after a round that left something over.
  milliseconds interval_hurried{1'000};
  /// Between the two comparisons of a leaf.
  milliseconds confirm_pause{2'000};
  /// A round that has heard nothing for so long ends.
  milliseconds quiet_max{10'000};
  /// Leaves in a round, at most `repair_nodes_max`.
  std::size_t leaves_max = 64;
  /// Of one list of leaves; at least one leaf is listed all the same, but
  /// none that no frame has room for.
  std::size_t list_bytes_max = std::size_t{64} * 1024;
  /// Of one frame of entries; a larger entry goes alone.
  std::size_t frame_bytes_max = std::size_t{64} * 1024;
  /// Of a round's entries, each way; a larger entry goes alone.
  std::size_t entries_bytes_max = std::size_t{4} << 20;
  /// Roots, asks and lists that a peer gets answered within a second.
  std::uint32_t answers_per_second_max = 20;
};

struct repair_traffic {
  std::size_t sent = 0;
  std::size_t received = 0;
};

/// Sums since the start.
struct repair_counters {
  /// Rounds that this node began.
  std::uint64_t rounds = 0;
  /// Of these: trees were equal.
  std::uint64_t equal = 0;
  /// Of these: leaves differed twice and were listed.
  std::uint64_t differences = 0;
  /// Of these: the difference went away before it was listed.
  std::uint64_t vanished = 0;
  /// Of these: ended by silence or with the link.
  std::uint64_t broken_off = 0;
  /// Leaves that were listed in rounds of this node.
  std::uint64_t leaves = 0;
  std::uint64_t entries_sent = 0;
  std::uint64_t entries_received = 0;
  /// Frames of peers that fitted nothing.
  std::uint64_t refused = 0;
  /// Frames of peers that came faster than they are answered.
  std::uint64_t throttled = 0;
  /// Frame bytes of this node's own rounds.
  repair_traffic last_round;
  repair_traffic max_round;
};

/// Both ends of all rounds of a node. Not thread-safe.
class repair {
public:
  /// @param own, port  outlive this.
  /// @param random     decides when rounds begin and with whom.
  repair(const repair_config& config, const digest_source& own,
         repair_port& port, std::mt19937_64 random);

  /// Begins, continues and ends rounds; to be called a few times a second.
  /// @param peers  with whom a round may begin now: those that are linked and
  ///               have no changes under way.
  void tick(steady_time now, std::span<const origin_id> peers);

  /// A frame of a peer has come.
  /// @param bytes  the frame's length.
  /// @return false if the frame is no matter of repair.
  bool came(origin_id peer, const frame& said, std::size_t bytes,
            steady_time now);

  /// Answers to the port's list() and reconcile(); what nobody waits for any
  /// more is passed over.
  /// @param leaves  those that were asked for, in that order.
  void listed(std::uint64_t token, std::vector<repair_leaf> leaves,
              steady_time now);
  /// @param more  there was more than the bytes that were allowed.
  void reconciled(std::uint64_t token, std::span<const repair_entry> entries,
                  bool more, steady_time now);

  /// Bytes of a peer have come, entries perhaps among them: they are waited
  /// for as long as the link is busy.
  void still_coming(origin_id peer, steady_time now);

  /// The link to a peer has ended, or another has begun.
  void gone(origin_id peer, steady_time now);

  const repair_counters& counters() const noexcept { return counters_; }
  /// When both trees last had the same root, in whosever round.
  std::optional<steady_time> equal_at(origin_id peer) const;
  bool is_under_way() const noexcept { return round_.has_value(); }

private:
  enum class phase : std::uint8_t {
    walking,
    pausing,
    /// For the answer to list().
    listing,
    /// For the peer's list.
    comparing,
    /// For the answer to reconcile().
    reconciling,
  };

  /// This node's own round.
  struct own_round {
    own_round(origin_id with, repair_walk way, steady_time now)
        : peer{with}, walk{std::move(way)}, heard_at{now} {}

    origin_id peer;
    repair_walk walk;
    phase at = phase::walking;
    /// The last sign of life, or when the pause began.
    steady_time heard_at{};
    std::uint64_t token = 0;
    /// Leaves that the peer was told of.
    std::size_t listed = 0;
    /// Something is left over.
    bool more = false;
    repair_traffic traffic;
  };

  /// A peer's list that is being answered.
  struct open_answer {
    std::uint64_t token = 0;
    bool listing = true;
    repair_leaves_frame theirs;
  };

  struct peer_state {
    std::optional<steady_time> equal_at;
    /// Of the second that began then.
    steady_time counted_from{};
    std::uint32_t answers = 0;
    std::optional<open_answer> under_way;
    /// Entries are taken while bytes are left, until then.
    steady_time entries_until{};
    std::size_t entries_bytes = 0;
  };

  // repair.cpp: this node's rounds
  steady_time drawn_after(steady_time now);
  void begin(steady_time now, std::span<const origin_id> peers);
  void go_on(steady_time now);
  void end(steady_time now);
  void break_off(steady_time now);
  bool is_awaited(origin_id peer, phase at, std::size_t bytes, steady_time now);
  void stepped(repair_walk::step to, steady_time now);
  void list_leaves(steady_time now);
  void own_listed(std::vector<repair_leaf> leaves, steady_time now);
  void compare(const repair_leaves_frame& said, steady_time now);
  void send_in_round(std::string bytes);

  // repair_answers.cpp: peers' rounds, and entries
  bool may_answer(origin_id peer, steady_time now);
  void answer(origin_id peer, const repair_root_frame& said, steady_time now);
  void answer(origin_id peer, const repair_ask_frame& said, steady_time now);
  void answer(origin_id peer, const repair_leaves_frame& said, steady_time now);
  void answer_listed(origin_id peer, std::vector<repair_leaf> leaves,
                     steady_time now);
  void expect_entries(origin_id peer, steady_time now);
  void take(origin_id peer, const repair_entries_frame& said, std::size_t bytes,
            steady_time now);
  bool trim(std::vector<repair_leaf>& leaves) const;
  std::vector<std::string> pack(std::span<const repair_entry> entries,
                                bool& more);

  repair_config config_;
  const digest_source& own_;
  repair_port& port_;
  std::mt19937_64 random_;
  std::optional<steady_time> next_at_;
  std::uint32_t last_round_;
  std::uint64_t last_token_ = 0;
  std::optional<own_round> round_;
  std::map<origin_id, peer_state> peers_;
  repair_counters counters_;
};

} // namespace panal
