#include "actors/gatekeeper_pump.hpp"

#include <boost/asio/write.hpp>
#include <sys/socket.h>

namespace panal {

namespace asio = boost::asio;
using error_code = boost::system::error_code;
using local = asio::local::stream_protocol;

gatekeeper_pump::gatekeeper_pump(asio::io_context& io,
                                 std::shared_ptr<gatekeeper_line> line,
                                 std::optional<basp_guard> guard,
                                 byte_meter received)
    : line_{std::move(line)},
      guard_{guard},
      received_{std::move(received)},
      local_{io},
      farewell_{io} {}

socket_handle gatekeeper_pump::start(handler on_end) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends)
      != 0)
    return {};
  socket_handle theirs{ends[0]};
  socket_handle ours{ends[1]};
  error_code err;
  local_.assign(local{}, ours.get(), err);
  if (err)
    return {};
  static_cast<void>(ours.release()); // local_'s from now on
  on_end_ = std::move(on_end);
  read_line();
  read_local();
  watch_local();
  return theirs;
}

void gatekeeper_pump::close() noexcept {
  on_end_ = nullptr;
  farewell_.cancel();
  line_->close();
  error_code ignored;
  local_.close(ignored);
}

void gatekeeper_pump::read_line() {
  line_->read_some(
      asio::buffer(from_line_),
      [self = shared_from_this()](error_code err, std::size_t got) {
        self->received_->fetch_add(got, std::memory_order_relaxed);
        if (err || !self->is_sound(got))
          self->end();
        else
          self->write_local(got);
      });
}

bool gatekeeper_pump::is_sound(std::size_t size) noexcept {
  return !guard_ || guard_->follow({from_line_.data(), size});
}

void gatekeeper_pump::write_local(std::size_t size) {
  asio::async_write(local_, asio::buffer(from_line_, size),
                    [self = shared_from_this()](error_code err, std::size_t) {
                      if (err)
                        self->wind_up();
                      else
                        self->read_line();
                    });
}

void gatekeeper_pump::read_local() {
  local_.async_read_some(
      asio::buffer(from_local_),
      [self = shared_from_this()](error_code err, std::size_t got) {
        if (err)
          self->end();
        else
          self->write_line(got);
      });
}

void gatekeeper_pump::write_line(std::size_t size) {
  line_->write(asio::buffer(from_local_, size),
               [self = shared_from_this()](error_code err, std::size_t) {
                 if (err)
                   self->end();
                 else
                   self->read_local();
               });
}

// A write to a peer that hangs would keep the end of the local side from being
// read: it is waited for beside everything else.
void gatekeeper_pump::watch_local() {
  local_.async_wait(local::socket::wait_error,
                    [self = shared_from_this()](error_code err) {
                      if (!err)
                        self->wind_up();
                    });
}

// The local side is gone. What it wrote before may still pass, but not for
// longer than a moment.
void gatekeeper_pump::wind_up() {
  if (!on_end_ || std::exchange(winding_up_, true))
    return;
  farewell_.expires_after(farewell);
  farewell_.async_wait([self = shared_from_this()](error_code err) {
    if (!err)
      self->end();
  });
}

void gatekeeper_pump::end() {
  auto on_end = std::exchange(on_end_, nullptr);
  if (!on_end)
    return;
  // Told first: CAF's end will tell of the closed socket in its own time.
  on_end(*this);
  close();
}

} // namespace panal
