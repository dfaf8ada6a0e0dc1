#include "http/loop.hpp"

#include "logging/log.hpp"

#include <boost/asio/post.hpp>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <new>
#include <utility>

namespace panal::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t read_room_bytes = std::size_t{64} * 1024;
constexpr std::size_t events_per_turn_max = 256;
constexpr auto sweep_interval = 250ms;
// Connections over the limit that are open for as long as their 503 takes.
constexpr std::size_t refused_max = 64;
// A search for idle connections looks at all of them, so it closes more than
// one: one in so many.
constexpr std::size_t closed_share = 256;

connection::time_point steady_now() noexcept {
  return connection::time_point::clock::now();
}

int make_epoll_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0)
    throw std::bad_alloc{};
  return set;
}

int control(int set, int operation, session& who) noexcept {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &who;
  return ::epoll_ctl(set, operation, who.socket(), &event);
}

} // namespace

loop::loop(const options& opts, const clock& wall, const node_view& node,
           const gateway_factory& make, std::atomic<std::size_t>& connections)
    : events_{context_, make_epoll_set()},
      sweep_timer_{context_},
      shared_{opts, wall, node},
      gateway_{make(context_)},
      connections_{connections},
      read_room_(read_room_bytes) {
  wait_for_events();
}

loop::~loop() {
  while (!sessions_.empty())
    sessions_.back()->close();
}

void loop::run() {
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& failure) {
      // Sessions guard themselves; this is a gateway's handler or Asio.
      log::error("http_handler_failed", {{"reason", failure.what()}});
    }
  }
}

void loop::adopt(client from) {
  boost::asio::post(context_, [this, from] { open(from); });
}

void loop::drain() {
  boost::asio::post(context_, [this] { drain_all(); });
}

void loop::make_room() {
  boost::asio::post(context_, [this] { close_oldest_idle(); });
}

// -- sessions -----------------------------------------------------------------

void loop::open(client from) {
  const auto now = steady_now();
  const auto limit = shared_.opts.max_connections;
  const bool too_many = connections_ > limit && !close_oldest_idle();
  auto made = std::make_shared<session>(*this, from, now);
  auto& who = *made;
  who.slot = sessions_.size();
  sessions_.push_back(std::move(made));
  if (!sweeping_)
    wait_for_sweep();
  if (connections_ > limit + refused_max
      || control(events_.native_handle(), EPOLL_CTL_ADD, who) != 0)
    who.close();
  else if (too_many)
    who.refuse(now);
  else if (draining_)
    who.drain(now);
}

void loop::forget(session& who) noexcept {
  const auto slot = who.slot;
  closed_.push_back(std::move(sessions_[slot]));
  if (slot + 1 < sessions_.size()) {
    sessions_[slot] = std::move(sessions_.back());
    sessions_[slot]->slot = slot;
  }
  sessions_.pop_back();
  --connections_;
}

void loop::announce_again(session& who) noexcept {
  if (control(events_.native_handle(), EPOLL_CTL_MOD, who) != 0)
    who.close();
}

bool loop::close_oldest_idle() {
  std::vector<session*> idle;
  for (const auto& who : sessions_)
    if (who->idle())
      idle.push_back(who.get());
  const auto later = [](const session* a, const session* b) {
    return a->idle_since() > b->idle_since();
  };
  std::make_heap(idle.begin(), idle.end(), later);
  const auto now = steady_now();
  auto left = 1 + idle.size() / closed_share;
  bool any = false;
  while (left > 0 && !idle.empty()) {
    std::pop_heap(idle.begin(), idle.end(), later);
    if (idle.back()->give_way(now)) {
      any = true;
      --left;
    }
    idle.pop_back();
  }
  return any;
}

void loop::drain_all() {
  draining_ = true;
  const auto now = steady_now();
  for (auto i = sessions_.size(); i-- > 0;)
    sessions_[i]->drain(now);
}

// -- events -------------------------------------------------------------------

void loop::wait_for_events() {
  events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& ec) {
                       if (ec)
                         return;
                       handle_events();
                       wait_for_events();
                     });
}

void loop::handle_events() {
  std::array<epoll_event, events_per_turn_max> events;
  const int n = ::epoll_wait(events_.native_handle(), events.data(),
                             static_cast<int>(events.size()), 0);
  const auto now = steady_now();
  for (int i = 0; i < n; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    static_cast<session*>(event.data.ptr)->on_ready(event.events, now);
  }
  closed_.clear();
}

// One timer looks after all deadlines, and only while there are connections.
void loop::wait_for_sweep() {
  sweeping_ = true;
  sweep_timer_.expires_after(sweep_interval);
  sweep_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec)
      sweep();
  });
}

void loop::sweep() {
  shared_.refresh();
  const auto now = steady_now();
  for (auto i = sessions_.size(); i-- > 0;)
    sessions_[i]->check_deadlines(now);
  closed_.clear();
  sweeping_ = false;
  if (!sessions_.empty())
    wait_for_sweep();
}

} // namespace panal::http
