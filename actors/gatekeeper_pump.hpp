#pragma once

// Carries the bytes of one link between its connection and the local socket
// that CAF got in place of it, for TLS, and so that CAF gets nothing that
// cannot be. Each direction reads only when what it has read before is
// written: a slow reader holds up the writer, and nothing piles up here.

#include "actors/basp_guard.hpp"
#include "actors/gatekeeper_line.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace panal {

class gatekeeper_pump : public std::enable_shared_from_this<gatekeeper_pump> {
public:
  using handler = std::function<void(gatekeeper_pump&)>;

  /// @param guard     judges what comes over the line; none: anything goes.
  /// @param received  counts what comes over the line.
  gatekeeper_pump(boost::asio::io_context& io,
                  std::shared_ptr<gatekeeper_line> line,
                  std::optional<basp_guard> guard, byte_meter received);

  /// Makes the local socket and begins. `on_end` is called once, later on,
  /// when either side has ended and both are closed, unless close() comes
  /// first.
  /// @return CAF's end of it, set up for CAF; empty where the process is out
  /// of descriptors.
  socket_handle start(handler on_end);

  /// What the peer sent that cannot be, if that was the end.
  std::string_view wrong() const noexcept {
    return guard_ ? guard_->wrong() : std::string_view{};
  }

  /// Closes both sides without a word.
  void close() noexcept;

  /// What one direction may hold, beside a TLS record of 16 KiB or two.
  static constexpr std::size_t buffer_bytes = std::size_t{32} * 1024;

  /// How long a peer may take to get what CAF wrote before it hung up.
  static constexpr std::chrono::milliseconds farewell{1'000};

private:
  using buffer = std::array<char, buffer_bytes>;

  void read_line();
  bool is_sound(std::size_t size) noexcept;
  void write_local(std::size_t size);
  void read_local();
  void write_line(std::size_t size);
  void watch_local();
  void wind_up();
  void end();

  std::shared_ptr<gatekeeper_line> line_;
  std::optional<basp_guard> guard_;
  byte_meter received_;
  boost::asio::local::stream_protocol::socket local_;
  boost::asio::steady_timer farewell_;
  buffer from_line_;
  buffer from_local_;
  bool winding_up_ = false;
  handler on_end_;
};

} // namespace panal
