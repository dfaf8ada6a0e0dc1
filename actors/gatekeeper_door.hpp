#pragma once

// The cluster port itself: listens, accepts, and rests where the process is
// out of descriptors. Whom it lets in is the gatekeeper's to find out.

#include "actors/gatekeeper_warnings.hpp"
#include "config/address.hpp"
#include "storage/errc.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>

namespace panal {

class gatekeeper_door {
public:
  using handler = std::function<void(boost::asio::ip::tcp::socket)>;

  /// @param rest  how long accepting rests after a failure: trying again at
  ///   once would only spin.
  gatekeeper_door(boost::asio::io_context& io, std::chrono::milliseconds rest,
                  gatekeeper_warnings& warnings);

  /// Binds and listens. Blocks while the host is looked up.
  /// @return the bound port; `unavailable` with words for the log.
  result<std::uint16_t> open(const endpoint& here);
  bool is_open() const { return acceptor_.is_open(); }

  /// Hands each connection that comes from now on to `on_accepted`.
  void accept(handler on_accepted);

  /// Listens no more; `on_accepted` is not called again.
  void close() noexcept;

private:
  void wait();
  void on_accept(boost::system::error_code err,
                 boost::asio::ip::tcp::socket socket);

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  boost::asio::steady_timer pause_;
  std::chrono::milliseconds rest_;
  gatekeeper_warnings& warnings_;
  handler on_accepted_;
};

} // namespace panal
