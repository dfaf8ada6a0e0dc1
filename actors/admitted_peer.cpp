#include "actors/admitted_peer.hpp"

#include <unistd.h>

#include <utility>

namespace panal {

socket_handle& socket_handle::operator=(socket_handle&& other) noexcept {
  if (this != &other) {
    socket_handle old{release()};
    fd_ = other.release();
  }
  return *this;
}

socket_handle::~socket_handle() {
  if (fd_ >= 0)
    ::close(fd_);
}

int socket_handle::release() noexcept {
  return std::exchange(fd_, -1);
}

std::string_view to_string(dial_failure reason) noexcept {
  switch (reason) {
  case dial_failure::bad_address:
    return "bad_address";
  case dial_failure::unresolved:
    return "unresolved";
  case dial_failure::unreachable:
    return "unreachable";
  case dial_failure::timed_out:
    return "timed_out";
  case dial_failure::closed:
    return "closed";
  case dial_failure::malformed:
    return "malformed";
  case dial_failure::wrong_secret:
    return "wrong_secret";
  case dial_failure::wrong_protocol:
    return "wrong_protocol";
  case dial_failure::busy:
    return "busy";
  case dial_failure::self:
    return "self";
  case dial_failure::tls:
    return "tls";
  case dial_failure::wrong_name:
    return "wrong_name";
  case dial_failure::wrong_cluster:
    return "wrong_cluster";
  case dial_failure::forgotten:
    return "forgotten";
  case dial_failure::copied:
    return "copied";
  }
  return "unknown";
}

} // namespace panal
