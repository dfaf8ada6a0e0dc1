#include "http/session.hpp"

#include "http/loop.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <utility>

namespace panal::http {
namespace {

// Reads in a row before other sessions get their turn.
constexpr int reads_per_turn_max = 16;

bool would_block() noexcept {
  return errno == EAGAIN || errno == EWOULDBLOCK;
}

} // namespace

session::session(loop& owner, client from, time_point now)
    : loop_{owner},
      socket_{from.socket},
      connection_{owner.shared(), from.from_loopback, now} {}

session::~session() {
  if (socket_ >= 0)
    ::close(socket_);
}

// Runs `step` and then whatever it has made possible. What is thrown on the
// way (memory ran out) costs this client its connection, not the loop.
template <class Step>
void session::guarded(time_point now, Step step) noexcept {
  if (socket_ < 0)
    return;
  try {
    step();
    pump(now);
  } catch (const std::exception&) {
    close();
  }
}

void session::on_ready(std::uint32_t events, time_point now) noexcept {
  guarded(now, [&] {
    hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    readable_ = readable_ || hung_up_ || (events & EPOLLIN) != 0;
    writable_ = writable_ || (events & EPOLLOUT) != 0;
  });
}

void session::on_answer(std::uint64_t ticket, answer reply) {
  const auto now = connection::time_point::clock::now();
  guarded(now, [&] { connection_.answered(ticket, reply, now); });
}

void session::check_deadlines(time_point now) noexcept {
  guarded(now, [&] { connection_.check_deadlines(now); });
}

void session::drain(time_point now) noexcept {
  // A request may have come that epoll has not announced yet.
  guarded(now, [&] { readable_ = true; });
  guarded(now, [&] { connection_.drain(); });
}

void session::refuse(time_point now) noexcept {
  guarded(now, [&] { connection_.refuse(now); });
}

bool session::give_way(time_point now) noexcept {
  // Closed over unread bytes, a socket tells its client of a broken connection.
  const auto since = idle_since();
  guarded(now, [&] { readable_ = true; });
  if (idle() && idle_since() == since)
    close();
  return socket_ < 0;
}

void session::close() noexcept {
  if (socket_ < 0)
    return;
  ::close(std::exchange(socket_, -1));
  loop_.forget(*this);
}

void session::pump(time_point now) {
  int reads = 0;
  do {
    if (readable_ && connection_.wants_bytes())
      read_some(now);
    if (socket_ >= 0)
      write_some(now);
    if (socket_ < 0)
      return;
    submit();
    if (connection_.should_shutdown()) {
      ::shutdown(socket_, SHUT_WR);
      connection_.shut_down(now);
    }
    if (connection_.closed())
      return close();
  } while (readable_ && connection_.wants_bytes()
           && ++reads < reads_per_turn_max);
  if (reads == reads_per_turn_max)
    loop_.announce_again(*this);
}

void session::read_some(time_point now) {
  const auto room = loop_.read_room();
  const auto n = ::recv(socket_, room.data(), room.size(), 0);
  if (n > 0) {
    const auto bytes = static_cast<std::size_t>(n);
    // Less than asked for: the socket is empty, its next bytes are announced.
    // After a hang-up nothing is, so that the end must be read now.
    readable_ = hung_up_ || bytes == room.size();
    connection_.receive({room.data(), bytes}, now);
  } else if (n == 0) {
    readable_ = false;
    connection_.receive_end(now);
  } else if (would_block()) {
    readable_ = false;
  } else if (errno != EINTR) {
    close();
  }
}

void session::write_some(time_point now) {
  for (auto out = connection_.output(); writable_ && !out.empty();
       out = connection_.output()) {
    const auto n = ::send(socket_, out.data(), out.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      connection_.sent(static_cast<std::size_t>(n), now);
    } else if (would_block()) {
      writable_ = false;
      connection_.sent(0, now);
    } else if (errno != EINTR) {
      return close();
    }
  }
}

void session::submit() {
  operation op;
  std::uint64_t ticket = 0;
  if (connection_.take_operation(op, ticket))
    loop_.bridge().submit(std::move(op), shared_from_this(), ticket);
}

} // namespace panal::http
