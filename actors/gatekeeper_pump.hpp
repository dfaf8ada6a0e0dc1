#pragma once

// Carries the bytes of one link between its TLS connection and the local
// socket that CAF got in place of it. Each direction reads only when what it
// has read before is written: a slow reader holds up the writer, and nothing
// piles up here.

#include "actors/gatekeeper_line.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>

namespace panal {

class gatekeeper_pump : public std::enable_shared_from_this<gatekeeper_pump> {
public:
  using handler = std::function<void(gatekeeper_pump&)>;

  gatekeeper_pump(boost::asio::io_context& io,
                  std::shared_ptr<gatekeeper_line> line);

  /// Makes the local socket and begins. `on_end` is called once, later on,
  /// when either side has ended and both are closed, unless close() comes
  /// first.
  /// @return CAF's end of it, set up for CAF; empty where the process is out
  /// of descriptors.
  socket_handle start(handler on_end);

  /// Closes both sides without a word.
  void close() noexcept;

  /// What one direction may hold, beside a TLS record of 16 KiB or two.
  static constexpr std::size_t buffer_bytes = std::size_t{32} * 1024;

  /// How long a peer may take to get what CAF wrote before it hung up.
  static constexpr std::chrono::milliseconds farewell{1'000};

private:
  using buffer = std::array<char, buffer_bytes>;

  void read_line();
  void write_local(std::size_t size);
  void read_local();
  void write_line(std::size_t size);
  void watch_local();
  void wind_up();
  void end();

  std::shared_ptr<gatekeeper_line> line_;
  boost::asio::local::stream_protocol::socket local_;
  boost::asio::steady_timer farewell_;
  buffer from_line_;
  buffer from_local_;
  bool winding_up_ = false;
  handler on_end_;
};

} // namespace panal
