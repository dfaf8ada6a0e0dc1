#include "actors/gatekeeper_session.hpp"

#include <boost/asio/buffer.hpp>

#include <algorithm>

namespace panal {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

gatekeeper_session::gatekeeper_session(asio::io_context& io, line_ptr line,
                                       handshake talk)
    : line_{std::move(line)}, deadline_{io}, talk_{std::move(talk)} {}

void gatekeeper_session::start(std::chrono::milliseconds limit,
                               handler on_end) {
  on_end_ = std::move(on_end);
  deadline_.expires_after(limit);
  deadline_.async_wait([self = shared_from_this()](error_code err) {
    if (!err)
      self->finish(ending::timed_out);
  });
  if (line_->is_tls())
    secure();
  else
    proceed();
}

void gatekeeper_session::close() noexcept {
  on_end_ = nullptr;
  line_->close();
}

void gatekeeper_session::secure() {
  line_->secure(talk_.is_dialler(),
                [self = shared_from_this()](error_code err) {
                  if (!self->on_end_)
                    return;
                  if (err)
                    self->fail(err);
                  else
                    self->proceed();
                });
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
  line_->write(asio::buffer(out_),
               [self = shared_from_this()](error_code err, std::size_t) {
                 if (!self->on_end_)
                   return;
                 if (err)
                   self->fail(err);
                 else
                   self->proceed();
               });
}

void gatekeeper_session::read() {
  // Not one byte more: what follows the handshake is CAF's.
  auto size = std::min(talk_.wanted(), in_.size());
  line_->read_some(
      asio::buffer(in_, size),
      [self = shared_from_this()](error_code err, std::size_t got) {
        if (!self->on_end_)
          return;
        if (err)
          return self->fail(err);
        self->talk_.feed({self->in_.data(), got});
        self->proceed();
      });
}

// An acceptor can refuse a certificate after the dialler's side of TLS is up:
// the dialler learns it in place of the first bytes.
void gatekeeper_session::fail(error_code err) {
  if (!gatekeeper_line::is_tls_error(err))
    return finish(ending::closed);
  problem_ = line_->describe(err);
  finish(ending::insecure);
}

void gatekeeper_session::finish(ending how) {
  auto on_end = std::exchange(on_end_, nullptr);
  if (!on_end)
    return;
  deadline_.cancel();
  on_end(*this, how);
}

} // namespace panal
