#pragma once

// The syntax of hosts and of "host:port", without resolving anything. Strict
// where the system's resolver is lenient: "0", "127.1" and "0x7f000001" are
// addresses to it, and would get around the rules about loopback and wildcard
// hosts, so a host that ends in a number has to be a full dotted quad.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace panal {

/// A host (an IPv6 address without its brackets) and a port of 1 to 65535.
struct endpoint {
  std::string host;
  std::uint16_t port = 0;

  bool operator==(const endpoint&) const = default;
};

/// Whether the text is an IPv4 address, an IPv6 address without brackets, or
/// a host name (labels of letters, digits, `-` and `_`, 253 bytes at most).
bool is_host(std::string_view text);

/// Splits "host:port"; an IPv6 address stands in brackets: "[::1]:7001".
/// Nothing when the text is anything else or the port is not 1..65535.
std::optional<endpoint> parse_endpoint(std::string_view text);

/// "host:port", with brackets around an IPv6 address.
std::string to_string(const endpoint& x);

/// Whether only this machine reaches the host: `localhost`, 127.0.0.0/8, ::1.
bool is_loopback(std::string_view host);

/// Whether the host means "every address": 0.0.0.0 or ::, however written.
bool is_wildcard(std::string_view host);

} // namespace panal
