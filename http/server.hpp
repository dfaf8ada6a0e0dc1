#pragma once

// The HTTP side as a whole: one listening socket, N loops.

#include "actors/gateway.hpp"
#include "config/options.hpp"
#include "http/loop.hpp"
#include "storage/clock.hpp"
#include "storage/errc.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace panal::http {

/// Accepts clients and hands them to the loops in turn. start(), drain() and
/// stop() are called by one thread, which is none of the loops'.
class server {
public:
  /// Makes the loops and, by `make`, their gateways.
  /// @param opts, wall, node  outlive this object.
  server(const options& opts, const clock& wall, const node_view& node,
         const gateway_factory& make);
  /// Stops it.
  ~server();

  /// Binds http_host:http_port, listens, starts the threads.
  /// @return the port that was bound; `unavailable` when it cannot be.
  result<std::uint16_t> start();

  /// Accepts no more, closes idle connections, answers what was begun.
  /// @return true when no connection is left; false after `patience`.
  bool drain(std::chrono::milliseconds patience);

  /// Closes all connections and ends the threads. Answers that the gateways
  /// still owe are dropped. A second call does nothing.
  void stop();

  /// Open connections. Any thread.
  std::size_t connections() const noexcept { return connections_; }

private:
  void wait_for_clients();
  void accept_clients();
  void pause(int reason);

  const options& opts_;
  std::atomic<std::size_t> connections_ = 0;
  std::vector<std::unique_ptr<loop>> loops_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_timer_;
  std::chrono::steady_clock::time_point warned_;
  std::size_t next_ = 0;
  std::vector<std::thread> threads_;
};

} // namespace panal::http
