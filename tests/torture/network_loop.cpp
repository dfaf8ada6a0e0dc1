// The network's own thread: waits for bytes and for their time, and moves them.

#include "tests/torture/network.hpp"
#include "tests/torture/relay.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace panal::torture {

namespace {

using std::chrono::microseconds;

constexpr milliseconds look_again{50};
/// A limited rate is given out this often a second.
constexpr std::size_t portions_per_second = 50;

/// Waits until one of `on` is ready or it is time.
void wait(std::vector<pollfd>& on, steady::time_point until) {
  auto left = std::clamp<steady::duration>(until - steady::now(),
                                           steady::duration{0}, look_again);
  const timespec limit{
      0, std::chrono::duration_cast<std::chrono::nanoseconds>(left).count()};
  ::ppoll(on.data(), on.size(), &limit, nullptr);
}

} // namespace

void network::run(const std::stop_token& stopping) {
  auto next = steady::now();
  while (!stopping.stop_requested()) {
    auto waits = sockets();
    wait(waits, next);
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    for (std::size_t i = 0; i < listeners_.size(); ++i)
      if (waits[i + 1].revents != 0)
        accept_one(i);
    auto now = steady::now();
    next = now + look_again;
    std::lock_guard lock{mutex_};
    relays_.remove_if([&](auto& one) {
      return one->doomed || !pump(*one, now, next) || one->doomed;
    });
  }
}

std::vector<pollfd> network::sockets() {
  std::vector<pollfd> result{{wake_.get(), POLLIN, 0}};
  for (const auto& one : listeners_)
    result.push_back({one.socket.get(), POLLIN, 0});
  std::lock_guard lock{mutex_};
  auto now = steady::now();
  auto add = [&](int from, int to, const pipe_way& way, const link& on) {
    if (on.rule.holds)
      return;
    if (way.thirsty())
      result.push_back({from, POLLIN, 0});
    if (way.ready(now) && on.next <= now)
      result.push_back({to, POLLOUT, 0});
  };
  for (auto& one : relays_) {
    if (!one->connected()) {
      result.push_back({one->near_side(), POLLIN, 0});
      continue;
    }
    add(one->near_side(), one->far_side(), one->onward(),
        link_of(*one->dialler, one->target));
    add(one->far_side(), one->near_side(), one->back(),
        link_of(one->target, *one->dialler));
  }
  return result;
}

void network::accept_one(std::size_t index) {
  unique_fd fd{::accept4(listeners_[index].socket.get(), nullptr, nullptr,
                         SOCK_CLOEXEC | SOCK_NONBLOCK)};
  std::lock_guard lock{mutex_};
  if (fd && !listeners_[index].refuses)
    relays_.push_back(std::make_unique<relay>(std::move(fd), index));
}

bool network::pump(relay& one, steady::time_point now,
                   steady::time_point& next) {
  if (!one.connected()) {
    if (!one.introduce(nodes_))
      return false;
    if (!one.dialler)
      return true;
    auto& way = link_of(*one.dialler, one.target);
    if (way.rule.refuses)
      return false;
    ++way.relayed;
    if (!one.connect(listeners_[one.target].target))
      return false;
  }
  return move(one, one.onward(), link_of(*one.dialler, one.target), now, next)
         && move(one, one.back(), link_of(one.target, *one.dialler), now, next);
}

bool network::move(relay& one, pipe_way& way, link& on, steady::time_point now,
                   steady::time_point& next) {
  if (on.rule.holds || one.doomed)
    return true;
  if (way.thirsty() && !way.take(now + drawn_delay(on.rule)))
    return false;
  while (way.ready(now) && on.next <= now) {
    auto given = way.give(portion(way, on));
    if (!given)
      return false;
    if (*given == 0)
      return true; // until there is room
    on.bytes += *given;
    if (on.rule.bytes_per_second != 0)
      on.next =
          now + microseconds{1'000'000 * *given / on.rule.bytes_per_second};
    if (std::exchange(on.cut_in_frame, false)) {
      one.doom(random_() % 2 == 0);
      return true;
    }
  }
  if (way.waiting())
    next = std::min(next, std::max(way.release(), on.next));
  return !way.finished();
}

milliseconds network::drawn_delay(const link_rule& rule) {
  auto range = static_cast<std::uint64_t>(rule.jitter.count()) + 1;
  return rule.delay + milliseconds{static_cast<int>(random_() % range)};
}

std::size_t network::portion(const pipe_way& way, const link& on) {
  auto result = way.front_size();
  if (on.cut_in_frame && result > 1)
    result = 1 + random_() % (result - 1);
  if (on.rule.bytes_per_second != 0)
    result = std::min(result, on.rule.bytes_per_second / portions_per_second);
  return std::max<std::size_t>(result, 1);
}

} // namespace panal::torture
