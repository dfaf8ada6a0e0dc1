#pragma once

// Gets the state of keys that this node cannot read from its peers, and gives
// peers what this node holds of theirs.
//
//   the one who cannot read                       a peer
//      | fetch: these keys                          |
//      |------------------------------------------->|
//      |                                   fetched: |
//      |            what it holds of each, or none  |
//      |<-------------------------------------------|
//      | (its shards take it in as their own)       |
//
// Only a peer is asked that has acknowledged this node's sequence up to the
// damaged row or further: it has merged all that stood there, so that what it
// holds now is no less. Of anybody else an absence would prove nothing.

#include "cluster/frame.hpp"
#include "cluster/outbound.hpp"
#include "cluster/replica_port.hpp"
#include "storage/unreadable_keys.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace panal {

struct mending_config {
  using milliseconds = std::chrono::milliseconds;

  /// After an answer that mended nothing, and where none came.
  milliseconds pause{1'000};
  /// What was asked and not answered is asked again then.
  milliseconds quiet_max{10'000};
  /// Of keys and entries in an answer; a larger entry goes alone.
  std::size_t answer_bytes_max = std::size_t{256} * 1024;
};

/// Not thread-safe; owned by the replica.
class mending {
public:
  /// A peer that could be asked.
  struct source {
    origin_id who = 0;
    /// How much of this node's sequence it has.
    position acknowledged = 0;
  };

  using sender = std::function<void(origin_id peer, std::string bytes)>;

  /// @param keys  those that this node cannot read; outlives this. None: it
  ///              can read all.
  /// @param send  takes what is said to a peer; may be large.
  mending(const mending_config& config, const unreadable_keys* keys,
          replica_port& port, sender send);

  /// There are keys that cannot be read.
  bool is_needed() const noexcept { return keys_ != nullptr && keys_->any(); }

  void tick(steady_time now, const std::vector<source>& sources);
  /// A peer asks for keys.
  void asked(origin_id peer, const fetch_frame& said, steady_time now);
  /// A peer has answered. @return false if it was not asked for that.
  bool answered(origin_id peer, const fetched_frame& said, steady_time now);
  /// The shards have said what they hold of the keys that a peer has asked
  /// for. @return false if this is nothing of that kind.
  bool looked_up(std::uint64_t token, const std::vector<change>& held,
                 std::uint64_t line);
  /// The link to a peer has gone.
  void gone(origin_id peer);

private:
  struct dialogue {
    // What this node has asked for.
    bool asked = false;
    std::uint32_t ticket = 0;
    std::vector<std::string> keys;
    steady_time next_at{};
    /// Where the next question goes on.
    std::string last_key;
    // What it has asked for; 0: nothing is under way.
    std::uint64_t token = 0;
    std::uint32_t their_ticket = 0;
    steady_time asked_at{};
  };

  void ask(const source& from, dialogue& link, steady_time now);

  mending_config config_;
  const unreadable_keys* keys_;
  replica_port& port_;
  sender send_;
  std::map<origin_id, dialogue> peers_;
  std::uint32_t last_ticket_ = 0;
  std::uint64_t last_token_;
};

} // namespace panal
