#pragma once

// What comes out of the gatekeeper: a connection that has proven itself, or
// why there is none.

#include "storage/store.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace panal {

/// Owns a connected socket's file descriptor, and closes it in the end.
class socket_handle {
public:
  socket_handle() noexcept = default;
  explicit socket_handle(int fd) noexcept : fd_{fd} {}
  socket_handle(socket_handle&& other) noexcept : fd_{other.release()} {}
  socket_handle& operator=(socket_handle&& other) noexcept;
  ~socket_handle();

  /// The descriptor, -1 if there is none.
  int get() const noexcept { return fd_; }
  /// Gives the descriptor to the caller, who closes it from now on.
  int release() noexcept;
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

/// Counts the bytes that have come over a link, whole messages or not. Written
/// by the gatekeeper's thread, read by any.
using byte_meter = std::shared_ptr<std::atomic<std::uint64_t>>;

/// Why a dial led to no peer.
enum class dial_failure : std::uint8_t {
  /// Not "host:port".
  bad_address,
  /// The name is unknown, or too many names are being looked up.
  unresolved,
  /// Nobody listens there, or the network does not reach it.
  unreachable,
  /// No connection, or no end of the handshake, in time.
  timed_out,
  /// The peer ended the connection: no more room, or it is stopping.
  closed,
  /// The peer is no node, or breaks the protocol.
  malformed,
  wrong_secret,
  wrong_protocol,
  /// The peer has proven itself but takes nobody now.
  busy,
  /// The address leads back to this node (proven, not only claimed).
  self,
  /// No TLS connection: a certificate that one end does not take, or no TLS.
  tls,
  /// The peer's certificate is not for the name that it gives itself, or the
  /// peer says so of this node.
  wrong_name,
  /// The peer belongs to a cluster of another name.
  wrong_cluster,
  /// The (proven) peer says that this node was removed for good.
  forgotten,
  /// The (proven) peer says that this node's identity is another one's, or
  /// has the same identity itself in another run of the program.
  copied,
};

/// The failure's name as it stands in logs: "timed_out".
std::string_view to_string(dial_failure reason) noexcept;

/// A connection whose two ends have proven themselves. No byte of what
/// follows the handshake has been read or written.
struct admitted_peer {
  /// Set up as CAF's new_scribe() wants it: nonblocking, without Nagle's
  /// delay, with keepalive, closed on exec. With TLS it is one end of a local
  /// socket pair, whose other end the gatekeeper keeps: shutting it down ends
  /// the connection all the same.
  socket_handle socket;
  member peer;
  /// The identity of the peer's process run.
  std::uint64_t run = 0;
  /// Both ends know the connection by this number, and no other by it.
  std::uint64_t link_id = 0;
  /// The address that this node dialled; empty if the peer has dialled.
  std::string dialled;
  /// Stands still where the gatekeeper does not keep the connection.
  byte_meter received = std::make_shared<byte_meter::element_type>();
};

} // namespace panal
