#pragma once

// A connected socket between two gatekeepers, in clear or within TLS, for
// those who do not care which.

#include "actors/admitted_peer.hpp"
#include "cluster/tls.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

namespace panal {

/// At most one write and one read may be under way; whoever starts them keeps
/// the line until their end.
class gatekeeper_line {
public:
  using tcp_socket = boost::asio::ip::tcp::socket;
  using done =
      std::function<void(boost::system::error_code, std::size_t transferred)>;

  /// In clear.
  explicit gatekeeper_line(tcp_socket socket) : stream_{std::move(socket)} {}

  /// Within TLS. Throws std::runtime_error where there is no memory.
  gatekeeper_line(tcp_socket socket, const tls_context& context);

  bool is_tls() const noexcept {
    return std::holds_alternative<tls_stream>(stream_);
  }

  /// Starts TLS, before anything is read or written. @pre is_tls()
  /// @param dialled  this end has dialled, and so begins.
  void secure(bool dialled,
              std::function<void(boost::system::error_code)> on_end);

  /// Writes all of `bytes`, which live until `on_end`.
  void write(boost::asio::const_buffer bytes, done on_end);

  /// Reads at least one byte, at most what fits.
  void read_some(boost::asio::mutable_buffer into, done on_end);

  /// Whether the peer may call itself `name`: its certificate is for that
  /// name, or there are no certificates.
  bool is_peer_named(std::string_view name);

  /// Whether an error of this line is one of TLS: of what the peer sent, or
  /// told to be wrong with what this end sent.
  static bool is_tls_error(boost::system::error_code err) noexcept;

  /// Words for the log about such an error.
  std::string describe(boost::system::error_code err);

  /// The other end's address as the system knows it, for the log.
  std::string remote() const;

  /// Sets the socket up for what follows the handshake, as CAF does with its
  /// own; false where the connection is broken already.
  bool prepare() noexcept;

  /// In clear: the socket, out of Asio's hands; empty if that is impossible.
  socket_handle release();

  /// Closes the socket without a word, not even TLS's own: whoever reads the
  /// end of a stream here takes it for a lost connection in any case.
  void close() noexcept;

private:
  using tls_stream = boost::asio::ssl::stream<tcp_socket>;

  tcp_socket& socket() noexcept;
  const tcp_socket& socket() const noexcept;

  std::variant<tcp_socket, tls_stream> stream_;
};

} // namespace panal
