#include "actors/link_guard.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

namespace panal {

link_guard::link_guard(link_guard&& other) noexcept
    : fd_{std::exchange(other.fd_, -1)} {
  // nop
}

link_guard& link_guard::operator=(link_guard&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

link_guard::~link_guard() {
  if (fd_ < 0)
    return;
  ::shutdown(fd_, SHUT_RDWR);
  ::close(fd_);
}

} // namespace panal
