#pragma once

// From a header's bytes to what this server wants to know of it. Beast's
// basic_parser splits the lines and checks the grammar; what its version 345
// lets through is refused here or by the head_scanner before it.

#include "http/problem.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace panal::http {

/// The methods that are told apart.
enum class method : std::uint8_t {
  get,
  head,
  put,
  remove,
  options,
  connect,
  trace,
  /// Known to HTTP, used by nothing here: 405.
  unused,
  /// Known to nobody here: 501.
  unknown,
};

/// A request's header. The views point into the bytes that were parsed.
struct request_head {
  method verb = method::unknown;
  /// The target without scheme and authority: "/path?query", or "*".
  std::string_view target;
  /// 10 or 11.
  int version = 11;
  /// 0 when the header does not say: then there is no body.
  std::uint64_t body_bytes = 0;
  std::optional<std::string_view> content_type;
  std::string_view if_none_match;
  /// Empty when it is not there, or more than once.
  std::string_view authorization;
  /// Empty on HTTP/1.0 without one.
  std::string_view host;
  /// The client connects from this machine. Not in the bytes: whoever knows
  /// the connection sets it.
  bool from_loopback = false;
  bool expect_continue = false;
  bool keep_alive = true;
};

/// Parses a header that ends with its empty line into `head`.
/// @return why it must be refused, and the connection closed; else nothing.
std::optional<problem> parse_head(std::string_view bytes, request_head& head);

/// True when `text` is `host`, `host:port` or `[address]:port`.
bool is_authority(std::string_view text) noexcept;

} // namespace panal::http
