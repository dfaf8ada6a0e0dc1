#include "actors/gatekeeper_dial.hpp"

#include <boost/asio/connect.hpp>

namespace panal {

namespace asio = boost::asio;
using error_code = boost::system::error_code;

gatekeeper_dial::gatekeeper_dial(asio::io_context& io, gatekeeper_names& names)
    : names_{names}, socket_{io}, deadline_{io} {}

void gatekeeper_dial::start(const endpoint& address,
                            std::chrono::milliseconds limit, handler on_end) {
  on_end_ = std::move(on_end);
  deadline_.expires_after(limit);
  deadline_.async_wait([self = shared_from_this()](error_code err) {
    if (!err)
      self->finish(dial_failure::timed_out);
  });
  names_.find(address, [self = shared_from_this()](auto where) {
    self->connect(std::move(where));
  });
}

void gatekeeper_dial::connect(gatekeeper_names::endpoints where) {
  if (!on_end_)
    return;
  if (where.empty())
    return finish(dial_failure::unresolved);
  where_ = std::move(where);
  asio::async_connect(socket_, where_,
                      [self = shared_from_this()](error_code err, auto&&) {
                        if (err)
                          self->finish(dial_failure::unreachable);
                        else
                          self->finish(std::nullopt);
                      });
}

void gatekeeper_dial::finish(std::optional<dial_failure> failure) {
  auto on_end = std::exchange(on_end_, nullptr);
  if (!on_end)
    return;
  deadline_.cancel();
  if (failure)
    close();
  on_end(failure);
}

void gatekeeper_dial::close() noexcept {
  on_end_ = nullptr;
  error_code ignored;
  socket_.close(ignored);
}

} // namespace panal
