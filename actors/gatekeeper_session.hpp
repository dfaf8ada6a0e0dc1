#pragma once

// One connection of the gatekeeper: moves a handshake's bytes over a connected
// socket within a deadline, and never reads one more.

#include "actors/gatekeeper.hpp"
#include "cluster/handshake.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <functional>
#include <memory>
#include <string>

namespace panal {

/// The other end's address as the system knows it, for the log.
std::string remote_address(const boost::asio::ip::tcp::socket& socket);

class gatekeeper_session
    : public std::enable_shared_from_this<gatekeeper_session> {
public:
  enum class ending : std::uint8_t {
    /// The handshake came to its end: its outcome tells which.
    concluded,
    timed_out,
    /// The peer ended the connection before.
    closed,
  };
  using handler = std::function<void(gatekeeper_session&, ending)>;

  gatekeeper_session(boost::asio::ip::tcp::socket socket, handshake talk);

  /// Starts the handshake. `on_end` is called once, later on, unless close()
  /// comes first.
  void start(std::chrono::milliseconds limit, handler on_end);

  const handshake& talk() const noexcept { return talk_; }

  /// remote_address() of the socket.
  std::string remote() const { return remote_address(socket_); }

  /// The socket, out of Asio's hands and set up for CAF; empty if the
  /// connection is broken already. @pre the session has concluded
  socket_handle release();

  /// Closes the socket without a word.
  void close() noexcept;

private:
  void proceed();
  void write();
  void read();
  void finish(ending how);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  handshake talk_;
  std::string out_;
  std::array<char, 512> in_;
  handler on_end_;
};

} // namespace panal
