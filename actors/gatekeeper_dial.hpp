#pragma once

// One dial of the gatekeeper: from an address to a connected socket, within
// a deadline.

#include "actors/admitted_peer.hpp"
#include "actors/gatekeeper_names.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace panal {

class gatekeeper_dial : public std::enable_shared_from_this<gatekeeper_dial> {
public:
  /// Gets nothing if the dial is connected.
  using handler = std::function<void(std::optional<dial_failure>)>;

  gatekeeper_dial(boost::asio::io_context& io, gatekeeper_names& names);

  /// Looks `address` up and connects. `on_end` is called once, later on,
  /// unless close() comes first.
  void start(const endpoint& address, std::chrono::milliseconds limit,
             handler on_end);

  /// The connected socket. @pre the dial has ended without failure
  boost::asio::ip::tcp::socket take_socket() { return std::move(socket_); }

  /// Gives up without a word.
  void close() noexcept;

private:
  void connect(gatekeeper_names::endpoints where);
  void finish(std::optional<dial_failure> failure);

  gatekeeper_names& names_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer deadline_;
  gatekeeper_names::endpoints where_;
  handler on_end_;
};

} // namespace panal
