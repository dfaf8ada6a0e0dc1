#include "tests/torture/relay.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace panal::torture {

namespace {

/// A hello is shorter; what names nobody within it comes from a stranger.
constexpr std::size_t hello_max = 400;

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

} // namespace

bool pipe_way::take(steady::time_point release) {
  constexpr std::size_t bytes_max = 65'536;
  std::array<char, bytes_max> buffer;
  auto got = ::recv(from_, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got > 0) {
    add({buffer.data(), static_cast<std::size_t>(got)}, release);
    return true;
  }
  if (got == 0) {
    ended_ = true;
    return true;
  }
  return errno == EAGAIN || errno == EINTR || errno == EINPROGRESS
         || errno == ENOTCONN;
}

void pipe_way::add(std::string bytes, steady::time_point release) {
  // TCP keeps the order: nothing overtakes what was sent before it.
  if (!queue_.empty())
    release = std::max(release, queue_.back().release);
  size_ += bytes.size();
  queue_.push_back({release, std::move(bytes)});
}

bool pipe_way::ready(steady::time_point now) const {
  return !queue_.empty() && queue_.front().release <= now;
}

std::optional<std::size_t> pipe_way::give(std::size_t limit) {
  auto& bytes = queue_.front().bytes;
  auto sent = ::send(to_, bytes.data(), std::min(limit, bytes.size()),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    if (errno == EAGAIN || errno == EINTR || errno == EINPROGRESS)
      return 0;
    return std::nullopt;
  }
  auto count = static_cast<std::size_t>(sent);
  size_ -= count;
  bytes.erase(0, count);
  if (bytes.empty())
    queue_.pop_front();
  return count;
}

bool relay::introduce(std::size_t nodes) {
  std::array<char, hello_max> buffer{};
  auto got = ::recv(near_side_.get(), buffer.data(), hello_max - hello_.size(),
                    MSG_DONTWAIT);
  if (got == 0)
    return false;
  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  hello_.append(buffer.data(), static_cast<std::size_t>(got));
  dialler = dialler_named_in(hello_, nodes);
  return dialler.has_value() || hello_.size() < hello_max;
}

bool relay::connect(const endpoint& to) {
  unique_fd fd{
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  // Small buffers: what a peer does not read is to be felt by its sender.
  constexpr int buffer_bytes = 64 * 1024;
  set_option(fd.get(), SOL_SOCKET, SO_RCVBUF, buffer_bytes);
  set_option(fd.get(), SOL_SOCKET, SO_SNDBUF, buffer_bytes);
  set_option(near_side_.get(), SOL_SOCKET, SO_SNDBUF, buffer_bytes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = ::htons(to.port);
  ::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)
          != 0
      && errno != EINPROGRESS)
    return false;
  set_option(near_side_.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  far_side_ = std::move(fd);
  onward_.emplace(near_side_.get(), far_side_.get());
  back_.emplace(far_side_.get(), near_side_.get());
  onward_->add(std::move(hello_), steady::time_point{});
  return true;
}

void relay::doom(bool with_reset) {
  doomed = true;
  if (!with_reset)
    return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  for (auto fd : {near_side_.get(), far_side_.get()})
    if (fd >= 0)
      ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::optional<std::size_t> dialler_named_in(std::string_view bytes,
                                            std::size_t nodes) {
  for (std::size_t index = 0; index < nodes; ++index) {
    auto name = "node" + std::to_string(index + 1);
    name.insert(0, 1, static_cast<char>(name.size()));
    if (bytes.find(name) != std::string_view::npos)
      return index;
  }
  return std::nullopt;
}

} // namespace panal::torture
