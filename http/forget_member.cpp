#include "http/forget_member.hpp"

#include "http/client_socket.hpp"

#include <algorithm>
#include <cstddef>

namespace panal::http {
namespace {

constexpr std::size_t answer_bytes_max = std::size_t{64} * 1024;

// Whether a field's value can be `secret` and nothing else: white space at
// its ends would be cut off, a line end would begin another field.
bool fits_a_field(std::string_view secret) noexcept {
  const auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  return std::none_of(secret.begin(), secret.end(), is_control)
         && !secret.starts_with(' ') && !secret.ends_with(' ');
}

} // namespace

forget_outcome forget_member(const std::string& host, std::uint16_t port,
                             std::string_view name, std::string_view secret,
                             std::chrono::milliseconds timeout) {
  if (!fits_a_field(secret))
    return {forgetting::not_asked,
            "the secret has characters that no HTTP header can hold"};
  std::string request = "DELETE /api/v1/cluster/members/";
  request += name;
  request += " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
  if (!secret.empty()) {
    request += "Authorization: Bearer ";
    request += secret;
    request += "\r\n";
  }
  request += "\r\n";
  const auto answer = ask_once(host, port, request, answer_bytes_max, timeout);
  const auto body = answer.find("\r\n\r\n");
  if (body == std::string::npos)
    return {forgetting::not_asked, "the node does not answer"};
  return {answer.starts_with("HTTP/1.1 200 ") ? forgetting::done
                                              : forgetting::refused,
          answer.substr(body + 4)};
}

} // namespace panal::http
