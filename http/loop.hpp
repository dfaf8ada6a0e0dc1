#pragma once

// One thread that serves clients: an io_context, the sessions, their gateway.
//
// The sessions' sockets stand in an epoll set of their own, edge-triggered
// and registered once; the io_context waits for that set as for one
// descriptor. A request so costs one recv and one send: waiting through Asio
// costs another system call for every read, and a handler for each.

#include "actors/gateway.hpp"
#include "http/connection.hpp"
#include "http/session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace panal::http {

/// Makes the gateway of one loop, which lives on that loop's thread.
using gateway_factory =
    std::function<std::unique_ptr<gateway>(boost::asio::io_context&)>;

/// See above. What is not marked "any thread" is called on the loop's thread.
class loop {
public:
  using time_point = connection::time_point;

  /// @param opts, wall, node  outlive this object.
  /// @param connections  counts the open connections of all loops; who hands
  ///   a socket to adopt() has counted it.
  loop(const options& opts, const clock& wall, const node_view& node,
       const gateway_factory& make, std::atomic<std::size_t>& connections);
  /// The thread has left run().
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  /// Serves until stop(). Nothing that a handler throws leaves it.
  void run();
  /// Makes run() return. Any thread.
  void stop() { context_.stop(); }
  /// Takes over a client and its socket. Any thread.
  void adopt(client from);
  /// Closes every connection once what it has begun is answered. Any thread.
  void drain();
  /// Closes some connections that have been idle for longest. Any thread.
  void make_room();

  boost::asio::io_context& context() noexcept { return context_; }

  // -- for sessions
  // ------------------------------------------------------------

  environment& shared() noexcept { return shared_; }
  gateway& bridge() noexcept { return *gateway_; }
  /// Where a session reads to; one room for all, for none keeps bytes there.
  std::span<char> read_room() noexcept { return read_room_; }
  /// Lets epoll repeat what it said about a session's socket.
  void announce_again(session& who) noexcept;
  /// Drops a session that has closed its socket.
  void forget(session& who) noexcept;

private:
  void wait_for_events();
  void handle_events();
  void open(client from);
  bool close_oldest_idle();
  void drain_all();
  void wait_for_sweep();
  void sweep();

  // Before everything that uses it, and destroyed after it.
  boost::asio::io_context context_{1};
  boost::asio::posix::stream_descriptor events_;
  boost::asio::steady_timer sweep_timer_;
  environment shared_;
  std::unique_ptr<gateway> gateway_;
  std::atomic<std::size_t>& connections_;
  std::vector<char> read_room_;
  std::vector<std::shared_ptr<session>> sessions_;
  // Closed in this turn: events of theirs may still lie in its batch.
  std::vector<std::shared_ptr<session>> closed_;
  bool sweeping_ = false;
  bool draining_ = false;
};

} // namespace panal::http
