#pragma once

// A small blocking HTTP/1.1 client for tests, and the bare TCP connection
// below it for tests that speak in bytes. Every call has a deadline and none
// throws: a missing answer is an answer that a test must be able to look at.

#include "tests/support/process.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace panal::test {

/// Where something listens.
struct endpoint {
  /// An IPv4 address in numbers.
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;

  /// "host:port".
  std::string str() const;
  /// The endpoint that "host:port" names. Throws std::runtime_error on words.
  static endpoint parse(std::string_view text);

  friend bool operator==(const endpoint&, const endpoint&) = default;
};

/// What a read on a connection came to.
enum class read_end { bytes, closed, timeout };

/// A TCP connection: bytes out, bytes in.
class connection {
public:
  /// Connects; nothing when that fails or takes longer than `limit`.
  static std::optional<connection>
  open(const endpoint& to, milliseconds limit = milliseconds{5'000});

  /// Starts to connect and does not wait for it; nothing when even that fails.
  static std::optional<connection> begin(const endpoint& to);

  /// Sends all of it. @return false when the peer is gone or too slow.
  bool send(std::string_view bytes, milliseconds limit = milliseconds{5'000});
  /// Appends what comes next to `to`, waiting for at least one byte.
  read_end receive(std::string& to, milliseconds limit);
  /// Everything until the peer closes; `closed` tells whether it did in time.
  struct everything {
    std::string bytes;
    bool closed = false;
  };
  everything receive_all(milliseconds limit = milliseconds{5'000});
  /// True once the peer has closed and nothing is left to read.
  bool closed_by_peer(milliseconds limit = milliseconds{0});
  /// Tells the peer that nothing more will be sent.
  void finish_sending();
  int descriptor() const { return fd_.get(); }

private:
  explicit connection(unique_fd fd) : fd_{std::move(fd)} {}
  /// Waits until the socket is ready for `events` (POLLIN, POLLOUT).
  bool wait_for(short events, steady::time_point deadline) const;

  unique_fd fd_;
};

/// An HTTP answer. Status 0: there was none.
struct response {
  int status = 0;
  /// By name in small letters.
  std::map<std::string, std::string> headers;
  std::string body;
  /// With status 0: true if the request may have reached the server.
  bool was_sent = false;
  /// With status 0: why, in one word: connect, send, timeout, closed, broken.
  std::string failure;

  std::string header(const std::string& name) const;
};

/// Takes one whole answer off `buffer`, reading more where needed.
response read_response(connection& from, std::string& buffer,
                       milliseconds limit);

/// What a cache operation came to.
struct reply {
  /// The HTTP status; 0: no answer.
  int status = 0;
  /// GET: the value's text exactly as it came.
  std::string value;
  /// GET: the version; a 409: the `current_version`. Otherwise -1.
  std::int64_t version = -1;
  /// GET: the text, without quotes, or "null".
  std::string expires_at;
  /// An error's `detail`.
  std::string detail;
  response raw;

  /// True where the operation surely had no effect.
  bool surely_not_done() const;
};

/// Says what a reply holds, for the message of a failed assertion.
std::string describe(const reply& what);

/// A client that keeps its connection, and dials again when it has lost it.
/// One thread at a time.
class http_client {
public:
  explicit http_client(endpoint to, milliseconds timeout = milliseconds{5'000})
      : to_{std::move(to)}, timeout_{timeout} {}

  /// @param target  the request target, percent-encoded already.
  response request(std::string_view method, std::string_view target,
                   std::string_view body = {},
                   std::string_view more_headers = {});
  /// A kept connection may be closed by the node at the moment in which the
  /// next request is sent: a GET is then sent once more (RFC 9110, 9.2.2).
  reply get(std::string_view key);
  /// @param value  the JSON text.  @param ttl_ms  0: never expires.
  reply put(std::string_view key, std::string_view value, std::int64_t version,
            std::int64_t ttl_ms = 0);
  reply remove(std::string_view key);
  /// Drops the connection; the next request dials anew.
  void disconnect();
  const endpoint& to() const { return to_; }

private:
  endpoint to_;
  milliseconds timeout_;
  std::optional<connection> connection_;
  std::string buffer_;
};

/// GETs many keys over one connection, several in flight at a time. Where the
/// connection breaks, the rest has status 0.
std::vector<reply> get_many(const endpoint& from,
                            const std::vector<std::string>& keys,
                            milliseconds timeout = milliseconds{10'000});

/// "/cache/" and the key, everything but letters, digits and -._~ encoded.
std::string target_of(std::string_view key);

/// The body of a PUT.
std::string put_body(std::string_view value, std::int64_t version,
                     std::int64_t ttl_ms = 0);

/// A request's bytes with the headers that it must have.
std::string request_bytes(std::string_view method, std::string_view target,
                          std::string_view body = {},
                          std::string_view more_headers = {});

} // namespace panal::test
