#include "tests/torture/network.hpp"

#include "tests/support/node.hpp"
#include "tests/torture/relay.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace panal::torture {

namespace {

/// Listens on a port of this process's own address.
unique_fd listen_at(endpoint& address) {
  unique_fd fd{
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  address.host = test::test_host();
  sockaddr_in bound{};
  bound.sin_family = AF_INET;
  ::inet_pton(AF_INET, address.host.c_str(), &bound.sin_addr);
  socklen_t size = sizeof bound;
  auto* generic = reinterpret_cast<sockaddr*>(&bound);
  // Inherited by what is accepted; see relay::connect().
  constexpr int buffer_bytes = 64 * 1024;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &buffer_bytes,
               sizeof buffer_bytes);
  if (::bind(fd.get(), generic, size) != 0 || ::listen(fd.get(), 128) != 0
      || ::getsockname(fd.get(), generic, &size) != 0)
    throw std::runtime_error{"no port for a relay"};
  address.port = ::ntohs(bound.sin_port);
  return fd;
}

} // namespace

link_rule link_rule::with(const link_rule& other) const {
  auto result = *this;
  result.delay = std::max(delay, other.delay);
  result.jitter = std::max(jitter, other.jitter);
  if (other.bytes_per_second != 0
      && (bytes_per_second == 0 || other.bytes_per_second < bytes_per_second))
    result.bytes_per_second = other.bytes_per_second;
  result.holds = holds || other.holds;
  result.refuses = refuses || other.refuses;
  return result;
}

network::network(std::size_t nodes, std::uint64_t seed)
    : nodes_{nodes},
      wake_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
      random_{seed},
      links_(nodes * nodes) {
  for (std::size_t i = 0; i < nodes; ++i) {
    listener one;
    one.socket = listen_at(one.address);
    one.refuses = true;
    listeners_.push_back(std::move(one));
  }
  thread_ =
      std::jthread{[this](const std::stop_token& stopping) { run(stopping); }};
}

network::~network() {
  thread_.request_stop();
  wake();
  thread_.join();
}

endpoint network::address(std::size_t index) const {
  return listeners_[index].address;
}

void network::forward(std::size_t index, endpoint target) {
  std::lock_guard lock{mutex_};
  listeners_[index].target = std::move(target);
  listeners_[index].refuses = false;
}

network::link& network::link_of(std::size_t from, std::size_t to) {
  return links_[from * nodes_ + to];
}

const network::link& network::link_of(std::size_t from, std::size_t to) const {
  return links_[from * nodes_ + to];
}

void network::set(std::size_t from, std::size_t to, const link_rule& rule) {
  std::lock_guard lock{mutex_};
  auto& way = link_of(from, to);
  if (rule.bytes_per_second != way.rule.bytes_per_second)
    way.next = steady::now();
  way.rule = rule;
  wake();
}

void network::refuse(std::size_t index, bool on) {
  std::lock_guard lock{mutex_};
  listeners_[index].refuses = on;
}

void network::cut(std::size_t a, std::size_t b) {
  std::lock_guard lock{mutex_};
  for (auto& one : relays_)
    if ((one->dialler == a && one->target == b)
        || (one->dialler == b && one->target == a))
      one->doomed = true;
  wake();
}

void network::cut_in_frame(std::size_t from, std::size_t to) {
  std::lock_guard lock{mutex_};
  link_of(from, to).cut_in_frame = true;
}

void network::heal() {
  std::lock_guard lock{mutex_};
  for (auto& way : links_) {
    way.rule = {};
    way.cut_in_frame = false;
  }
  for (auto& one : listeners_)
    one.refuses = false;
  wake();
}

std::size_t network::relayed(std::size_t dialler, std::size_t target) const {
  std::lock_guard lock{mutex_};
  return link_of(dialler, target).relayed;
}

std::uint64_t network::bytes(std::size_t from, std::size_t to) const {
  std::lock_guard lock{mutex_};
  return link_of(from, to).bytes;
}

void network::wake() const {
  ::eventfd_write(wake_.get(), 1);
}

} // namespace panal::torture
