#pragma once

// A network that can be told to fail: every node is reached through a relay,
// which learns from a connection's first bytes who dials, so that each
// direction between two nodes can have faults of its own.

#include "tests/support/http_client.hpp"

#include <poll.h>

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace panal::torture {

using test::endpoint;
using test::milliseconds;
using test::steady;
using test::unique_fd;

/// What is wrong with one direction between two nodes.
struct link_rule {
  /// Bytes take this long...
  milliseconds delay{0};
  /// ...and up to this much longer, in their order.
  milliseconds jitter{0};
  /// 0: as fast as it goes.
  std::size_t bytes_per_second = 0;
  /// Nothing is taken and nothing given: a black hole, as TCP sees it. Bytes
  /// that wait go on once it is over, if the connection still stands.
  bool holds = false;
  /// New connections that this direction's sender dials are closed at once.
  bool refuses = false;

  /// Both faults at once.
  link_rule with(const link_rule& other) const;
};

class relay;
class pipe_way;

/// Relays for nodes that are named "node1", "node2", ... All calls may come
/// from any thread.
class network {
public:
  network(std::size_t nodes, std::uint64_t seed);
  ~network();
  network(const network&) = delete;
  network& operator=(const network&) = delete;

  /// What node `index` advertises and others join.
  endpoint address(std::size_t index) const;
  /// Where node `index` really listens.
  void forward(std::size_t index, endpoint target);

  /// The rule for bytes from one node to another, from now on.
  void set(std::size_t from, std::size_t to, const link_rule& rule);
  /// True: new connections to `index` are closed at once.
  void refuse(std::size_t index, bool on);
  /// Closes all connections between the two, whoever dialled.
  void cut(std::size_t a, std::size_t b);
  /// The same, in the middle of what is sent next from `from` to `to`.
  void cut_in_frame(std::size_t from, std::size_t to);
  /// No rules, nothing refused. Connections stay.
  void heal();

  /// How many connections from one node to another were relayed so far.
  std::size_t relayed(std::size_t dialler, std::size_t target) const;
  std::uint64_t bytes(std::size_t from, std::size_t to) const;

private:
  struct listener {
    unique_fd socket;
    endpoint address;
    endpoint target;
    bool refuses = false;
  };
  /// A direction between two nodes.
  struct link {
    link_rule rule;
    bool cut_in_frame = false;
    /// When the rate allows the next bytes.
    steady::time_point next{};
    std::uint64_t bytes = 0;
    std::size_t relayed = 0;
  };

  link& link_of(std::size_t from, std::size_t to);
  const link& link_of(std::size_t from, std::size_t to) const;
  void run(const std::stop_token& stopping);
  /// What to wait for: the wake-up, the listeners, then the relays' sockets.
  std::vector<pollfd> sockets();
  void accept_one(std::size_t index);
  /// Moves what can be moved, and brings `next` forward to when to look again.
  /// @return false when the connection has ended.
  bool pump(relay& one, steady::time_point now, steady::time_point& next);
  bool move(relay& one, pipe_way& way, link& on, steady::time_point now,
            steady::time_point& next);
  milliseconds drawn_delay(const link_rule& rule);
  std::size_t portion(const pipe_way& way, const link& on);
  void wake() const;

  std::size_t nodes_;
  unique_fd wake_;
  mutable std::mutex mutex_;
  std::mt19937_64 random_;
  std::vector<listener> listeners_;
  std::vector<link> links_;
  std::list<std::unique_ptr<relay>> relays_;
  std::jthread thread_;
};

} // namespace panal::torture
