#pragma once

// One client's socket: moves bytes between it and its connection, and
// operations between the connection and the gateway. Decides nothing.

#include "actors/gateway.hpp"
#include "http/connection.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>

namespace panal::http {

class loop;

/// A client that has been accepted.
struct client {
  int socket = -1;
  /// It connects from this machine.
  bool from_loopback = false;
};

/// Lives from its adoption by a loop until its socket is closed, and then for
/// as long as the gateway owes it an answer. All calls on the loop's thread.
class session final : public answer_sink,
                      public std::enable_shared_from_this<session> {
public:
  using time_point = connection::time_point;

  /// Takes over `from.socket`, which does not block.
  session(loop& owner, client from, time_point now);
  ~session() override;
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  /// What epoll said about the socket.
  void on_ready(std::uint32_t events, time_point now) noexcept;
  void on_answer(std::uint64_t ticket, answer reply) override;

  /// Ends what has waited too long.
  void check_deadlines(time_point now) noexcept;
  /// Closes when what has been begun is answered.
  void drain(time_point now) noexcept;
  /// Answers 503 and closes.
  void refuse(time_point now) noexcept;
  /// Closes, unless a request lies in the socket that nobody has read yet.
  /// @return whether it is closed.
  bool give_way(time_point now) noexcept;
  /// Closes at once.
  void close() noexcept;

  int socket() const noexcept { return socket_; }
  bool idle() const noexcept { return connection_.idle(); }
  time_point idle_since() const noexcept { return connection_.idle_since(); }

  /// Where it stands among its loop's sessions; kept by the loop.
  std::size_t slot = 0;

private:
  template <class Step>
  void guarded(time_point now, Step step) noexcept;
  void pump(time_point now);
  void read_some(time_point now);
  void write_some(time_point now);
  void submit();

  loop& loop_;
  int socket_;
  // What epoll has announced and no call has used up since: its events are
  // edge-triggered, they are not repeated.
  bool readable_ = false;
  bool writable_ = true;
  // The peer has ended or broken the connection: reading goes on to its end.
  bool hung_up_ = false;
  connection connection_;
};

} // namespace panal::http
