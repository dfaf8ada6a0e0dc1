#include "config/address.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace panal {

namespace {

constexpr std::size_t host_bytes_max = 253;
constexpr std::size_t label_bytes_max = 63;

using ipv4 = std::array<std::uint8_t, 4>;
using ipv6 = std::array<std::uint8_t, 16>;

template <class Address>
std::optional<Address> parse_address(int family, std::string_view text) {
  Address result;
  // inet_pton stops at a zero byte, which would hide what follows.
  if (text.find('\0') != std::string_view::npos)
    return std::nullopt;
  if (inet_pton(family, std::string{text}.c_str(), result.data()) != 1)
    return std::nullopt;
  return result;
}

/// The four bytes of an IPv4 address, also of one mapped into IPv6.
std::optional<ipv4> as_ipv4(std::string_view host) {
  if (auto v4 = parse_address<ipv4>(AF_INET, host))
    return v4;
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0,    0,
                                                0, 0, 0, 0, 0xff, 0xff};
  auto v6 = parse_address<ipv6>(AF_INET6, host);
  if (!v6 || !std::equal(mapped.begin(), mapped.end(), v6->begin()))
    return std::nullopt;
  return ipv4{(*v6)[12], (*v6)[13], (*v6)[14], (*v6)[15]};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_label(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c)
           || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= label_bytes_max && text.front() != '-'
         && text.back() != '-'
         && std::all_of(text.begin(), text.end(), allowed);
}

/// Whether a resolver may take a name that ends in this label for a number.
bool is_numeric(std::string_view label) {
  return std::all_of(label.begin(), label.end(), is_digit)
         || label.starts_with("0x") || label.starts_with("0X");
}

bool is_name(std::string_view text) {
  if (text.size() > host_bytes_max)
    return false;
  if (text.ends_with('.'))
    text.remove_suffix(1);
  for (;;) {
    auto dot = text.find('.');
    auto label = text.substr(0, dot);
    if (!is_label(label))
      return false;
    if (dot == std::string_view::npos)
      return !is_numeric(label);
    text.remove_prefix(dot + 1);
  }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc{} || stop != end || port == 0)
    return std::nullopt;
  return port;
}

} // namespace

bool is_host(std::string_view text) {
  return parse_address<ipv4>(AF_INET, text)
         || parse_address<ipv6>(AF_INET6, text) || is_name(text);
}

std::optional<endpoint> parse_endpoint(std::string_view text) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto host = text.substr(0, colon);
  auto port = parse_port(text.substr(colon + 1));
  if (!port)
    return std::nullopt;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    if (!parse_address<ipv6>(AF_INET6, host))
      return std::nullopt;
  } else if (host.find(':') != std::string_view::npos || !is_host(host)) {
    return std::nullopt;
  }
  return endpoint{std::string{host}, *port};
}

std::string to_string(const endpoint& x) {
  auto port = std::to_string(x.port);
  if (x.host.find(':') == std::string::npos)
    return x.host + ":" + port;
  return "[" + x.host + "]:" + port;
}

bool is_loopback(std::string_view host) {
  if (host == "localhost")
    return true;
  if (auto v4 = as_ipv4(host))
    return (*v4)[0] == 127;
  ipv6 loopback{};
  loopback.back() = 1;
  return parse_address<ipv6>(AF_INET6, host) == loopback;
}

bool is_wildcard(std::string_view host) {
  return as_ipv4(host) == ipv4{}
         || parse_address<ipv6>(AF_INET6, host) == ipv6{};
}

} // namespace panal
