#include "tests/nodes/proxy.hpp"

#include "tests/support/node.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

namespace panal::test {

namespace {

constexpr std::size_t waiting_bytes_max = 1024 * 1024;
/// With a rate: what a router on the way would hold.
constexpr std::size_t rated_bytes_max = 64 * 1024;

/// Takes what `from` has into `waiting`. @return false when it has closed.
bool take_bytes(int from, std::string& waiting, std::size_t bytes_max) {
  std::array<char, 64 * 1024> buffer{};
  if (waiting.size() >= bytes_max)
    return true;
  auto got = ::recv(from, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (got < 0)
    return errno == EAGAIN || errno == EINTR;
  waiting.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

/// Sends as much of `waiting` as goes, at most `limit`. @return false when `to`
/// has closed.
bool give_bytes(int to, std::string& waiting, std::size_t limit) {
  if (limit == 0)
    return true;
  auto sent = ::send(to, waiting.data(), limit, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0)
    return errno == EAGAIN || errno == EINTR;
  waiting.erase(0, static_cast<std::size_t>(sent));
  return true;
}

sockaddr_in socket_address(const endpoint& of) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = ::htons(of.port);
  ::inet_pton(AF_INET, of.host.c_str(), &result.sin_addr);
  return result;
}

} // namespace

proxy::proxy()
    : listener_{
        ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
  address_.host = test_host();
  auto address = socket_address(address_);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), generic, size) != 0
      || ::listen(listener_.get(), 128) != 0
      || ::getsockname(listener_.get(), generic, &size) != 0)
    throw std::runtime_error{"no port for a proxy"};
  address_.port = ::ntohs(address.sin_port);
  refuses_ = true;
  thread_ =
      std::jthread{[this](const std::stop_token& stopping) { run(stopping); }};
}

proxy::~proxy() {
  thread_.request_stop();
  thread_.join();
}

void proxy::forward_to(endpoint target) {
  std::lock_guard lock{mutex_};
  target_ = std::move(target);
  refuses_ = false;
}

void proxy::cut() {
  cuts_ = true;
  eventually(milliseconds{5'000}, [this] { return !cuts_.load(); });
}

void proxy::run(const std::stop_token& stopping) {
  constexpr int poll_ms = 5;
  while (!stopping.stop_requested()) {
    std::vector<pollfd> waits{{listener_.get(), POLLIN, 0}};
    if (!holds_ && rate_ == 0)
      for (const auto& one : relays_) {
        waits.push_back({one.near_side.get(), POLLIN, 0});
        waits.push_back({one.far_side.get(), POLLIN, 0});
      }
    ::poll(waits.data(), waits.size(), poll_ms);
    if (cuts_) {
      relays_.clear();
      cuts_ = false;
    }
    if (waits.front().revents != 0)
      accept_one();
    if (!holds_)
      relays_.remove_if([this](relay& one) { return !pump(one); });
  }
}

void proxy::accept_one() {
  unique_fd near_side{
      ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  if (!near_side || refuses_)
    return;
  unique_fd far_side{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  {
    std::lock_guard lock{mutex_};
    address = socket_address(target_);
    captured_.clear();
  }
  if (::connect(far_side.get(), reinterpret_cast<sockaddr*>(&address),
                sizeof address)
      != 0)
    return;
  int on = 1;
  ::setsockopt(near_side.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(far_side.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  relays_.push_back(
      {std::move(near_side), std::move(far_side), {}, {}, {}, {}});
  ++relayed_;
}

bool proxy::pump(relay& one) {
  auto waited = one.to_far.size();
  const auto held = [&one] { return one.to_far.size() + one.to_near.size(); };
  const auto bytes_max = rate_ > 0 ? rated_bytes_max : waiting_bytes_max;
  bool open = take_bytes(one.near_side.get(), one.to_far, bytes_max);
  open = take_bytes(one.far_side.get(), one.to_near, bytes_max) && open;
  const auto before = held();
  {
    std::lock_guard lock{mutex_};
    if (&one == &relays_.back() && captured_.size() < captured_bytes_max)
      captured_.append(one.to_far, waited);
  }
  open = give_bytes(one.far_side.get(), one.to_far,
                    allowed(one.far_budget, one.to_far.size()))
         && open;
  open = give_bytes(one.near_side.get(), one.to_near,
                    allowed(one.near_budget, one.to_near.size()))
         && open;
  passed_ += before - held();
  return open;
}

// No more than a tenth of a second's bytes at once.
std::size_t proxy::allowed(budget& left, std::size_t waiting) const {
  const auto rate = static_cast<double>(rate_.load());
  const auto now = clock::now();
  const std::chrono::duration<double> passed = now - left.counted_at;
  left.counted_at = now;
  if (rate == 0)
    return waiting;
  left.bytes = std::min(left.bytes + rate * passed.count(), rate / 10);
  const auto given = std::min(waiting, static_cast<std::size_t>(left.bytes));
  left.bytes -= static_cast<double>(given);
  return given;
}

std::string proxy::captured() {
  std::lock_guard lock{mutex_};
  return captured_;
}

} // namespace panal::test
