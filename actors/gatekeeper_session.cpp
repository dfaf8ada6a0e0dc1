#include "actors/gatekeeper_session.hpp"

#include "config/address.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>

#include <algorithm>

namespace panal {

namespace asio = boost::asio;
using asio::ip::tcp;
using error_code = boost::system::error_code;

std::string remote_address(const tcp::socket& socket) {
  error_code err;
  auto where = socket.remote_endpoint(err);
  if (err)
    return "gone";
  return to_string(endpoint{where.address().to_string(), where.port()});
}

gatekeeper_session::gatekeeper_session(tcp::socket socket, handshake talk)
    : socket_{std::move(socket)},
      deadline_{socket_.get_executor()},
      talk_{std::move(talk)} {}

void gatekeeper_session::start(std::chrono::milliseconds limit,
                               handler on_end) {
  on_end_ = std::move(on_end);
  deadline_.expires_after(limit);
  deadline_.async_wait([self = shared_from_this()](error_code err) {
    if (!err)
      self->finish(ending::timed_out);
  });
  proceed();
}

// What CAF does to its own sockets (event_handler.cpp:63, new_scribe in
// default_multiplexer.cpp:668, SOCK_CLOEXEC in new_tcp_connection).
socket_handle gatekeeper_session::release() {
  error_code err;
  socket_.native_non_blocking(true, err);
  if (!err)
    socket_.set_option(tcp::no_delay{true}, err);
  if (!err)
    socket_.set_option(asio::socket_base::keep_alive{true}, err);
  if (err)
    return {};
  socket_handle handle{socket_.release(err)};
  if (err || ::fcntl(handle.get(), F_SETFD, FD_CLOEXEC) != 0)
    return {};
  return handle;
}

void gatekeeper_session::close() noexcept {
  on_end_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
}

void gatekeeper_session::proceed() {
  out_ = talk_.take_output();
  if (!out_.empty())
    write();
  else if (talk_.finished())
    finish(ending::concluded);
  else
    read();
}

void gatekeeper_session::write() {
  asio::async_write(socket_, asio::buffer(out_),
                    [self = shared_from_this()](error_code err, std::size_t) {
                      if (!self->on_end_)
                        return;
                      if (err)
                        self->finish(ending::closed);
                      else
                        self->proceed();
                    });
}

void gatekeeper_session::read() {
  // Not one byte more: what follows the handshake is CAF's.
  auto size = std::min(talk_.wanted(), in_.size());
  socket_.async_read_some(
      asio::buffer(in_, size),
      [self = shared_from_this()](error_code err, std::size_t got) {
        if (!self->on_end_)
          return;
        if (err)
          return self->finish(ending::closed);
        self->talk_.feed({self->in_.data(), got});
        self->proceed();
      });
}

void gatekeeper_session::finish(ending how) {
  auto on_end = std::exchange(on_end_, nullptr);
  if (!on_end)
    return;
  deadline_.cancel();
  on_end(*this, how);
}

} // namespace panal
