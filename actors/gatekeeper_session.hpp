#pragma once

// One connection of the gatekeeper: starts TLS where it is wanted, moves a
// handshake's bytes within one deadline for both, and never reads one byte
// more.

#include "actors/gatekeeper_line.hpp"
#include "cluster/handshake.hpp"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace panal {

class gatekeeper_session
    : public std::enable_shared_from_this<gatekeeper_session> {
public:
  using line_ptr = std::shared_ptr<gatekeeper_line>;

  enum class ending : std::uint8_t {
    /// The handshake came to its end: its outcome tells which.
    concluded,
    timed_out,
    /// The peer ended the connection before.
    closed,
    /// TLS came to nothing; problem() tells why.
    insecure,
  };
  using handler = std::function<void(gatekeeper_session&, ending)>;

  gatekeeper_session(boost::asio::io_context& io, line_ptr line,
                     handshake talk);

  /// Starts the handshake. `on_end` is called once, later on, unless close()
  /// comes first.
  void start(std::chrono::milliseconds limit, handler on_end);

  const handshake& talk() const noexcept { return talk_; }

  /// The other end's address, for the log.
  std::string remote() const { return line_->remote(); }

  /// Words for the log; empty unless the session has ended as insecure.
  const std::string& problem() const noexcept { return problem_; }

  /// The line, which is not this session's business any more.
  /// @pre the session has concluded
  line_ptr line() const noexcept { return line_; }

  /// Closes the line without a word.
  void close() noexcept;

private:
  void secure();
  void proceed();
  void write();
  void read();
  void fail(boost::system::error_code err);
  void finish(ending how);

  line_ptr line_;
  boost::asio::steady_timer deadline_;
  handshake talk_;
  std::string out_;
  std::array<char, 512> in_;
  std::string problem_;
  handler on_end_;
};

} // namespace panal
