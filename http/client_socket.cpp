#include "http/client_socket.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>

namespace panal::http {
namespace {

using address_list = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

address_list resolve(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)
      != 0)
    found = nullptr;
  return {found, &::freeaddrinfo};
}

class client_socket {
public:
  client_socket(const addrinfo& to, std::chrono::milliseconds timeout)
      : fd_{::socket(to.ai_family, to.ai_socktype | SOCK_CLOEXEC,
                     to.ai_protocol)} {
    const auto ms = timeout.count();
    timeval limit{};
    limit.tv_sec = static_cast<time_t>(ms / 1000);
    limit.tv_usec = static_cast<suseconds_t>(ms % 1000 * 1000);
    // On Linux the send timeout bounds connect() too.
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    connected_ = fd_ >= 0 && ::connect(fd_, to.ai_addr, to.ai_addrlen) == 0;
  }
  ~client_socket() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  client_socket(const client_socket&) = delete;
  client_socket& operator=(const client_socket&) = delete;

  // What the server answers to `request`, up to `bytes_max` of it.
  std::string ask(std::string_view request, std::size_t bytes_max) {
    std::string answer;
    if (!connected_
        || ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL)
               != static_cast<ssize_t>(request.size()))
      return answer;
    std::array<char, 4096> room{};
    while (answer.size() < bytes_max) {
      const auto wanted = std::min(room.size(), bytes_max - answer.size());
      const auto n = ::recv(fd_, room.data(), wanted, 0);
      if (n <= 0)
        break;
      answer.append(room.data(), static_cast<std::size_t>(n));
    }
    return answer;
  }

private:
  int fd_;
  bool connected_ = false;
};

} // namespace

std::string ask_once(const std::string& host, std::uint16_t port,
                     std::string_view request, std::size_t bytes_max,
                     std::chrono::milliseconds timeout) {
  std::string answer;
  const auto addresses = resolve(host, port);
  for (const auto* at = addresses.get(); at != nullptr && answer.empty();
       at = at->ai_next)
    answer = client_socket{*at, timeout}.ask(request, bytes_max);
  return answer;
}

} // namespace panal::http
