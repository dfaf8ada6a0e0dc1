#include "http/health_probe.hpp"

#include "http/client_socket.hpp"

#include <string_view>

namespace panal::http {

int probe(const std::string& host, std::uint16_t port,
          std::chrono::milliseconds timeout) {
  constexpr std::string_view request = "GET /_health HTTP/1.1\r\n"
                                       "Host: localhost\r\n"
                                       "Connection: close\r\n\r\n";
  constexpr std::string_view healthy = "HTTP/1.1 200 ";
  return ask_once(host, port, request, healthy.size(), timeout) == healthy ? 0
                                                                           : 1;
}

} // namespace panal::http
