#include "actors/gatekeeper_door.hpp"

#include "actors/gatekeeper_names.hpp"

#include <utility>

namespace panal {

using boost::asio::ip::tcp;
using boost::system::error_code;

gatekeeper_door::gatekeeper_door(boost::asio::io_context& io,
                                 std::chrono::milliseconds rest,
                                 gatekeeper_warnings& warnings)
    : io_{io}, acceptor_{io}, pause_{io}, rest_{rest}, warnings_{warnings} {}

result<std::uint16_t> gatekeeper_door::open(const endpoint& here) {
  const auto where = gatekeeper_names::system_lookup(here);
  if (where.empty())
    return error{errc::unavailable, "unknown cluster host " + here.host};
  tcp::acceptor acceptor{io_};
  error_code err;
  acceptor.open(where.front().protocol(), err);
  if (!err)
    acceptor.set_option(tcp::acceptor::reuse_address{true}, err);
  if (!err)
    acceptor.bind(where.front(), err);
  if (!err)
    acceptor.listen(tcp::acceptor::max_listen_connections, err);
  if (err)
    return error{errc::unavailable,
                 "cannot listen on " + to_string(here) + ": " + err.message()};
  acceptor_ = std::move(acceptor);
  return acceptor_.local_endpoint().port();
}

void gatekeeper_door::accept(handler on_accepted) {
  on_accepted_ = std::move(on_accepted);
  wait();
}

void gatekeeper_door::close() noexcept {
  error_code ignored;
  acceptor_.close(ignored);
}

void gatekeeper_door::wait() {
  acceptor_.async_accept([this](error_code err, tcp::socket socket) {
    on_accept(err, std::move(socket));
  });
}

void gatekeeper_door::on_accept(error_code err, tcp::socket socket) {
  if (!is_open())
    return;
  if (err && err != boost::asio::error::connection_aborted) {
    // Most likely out of descriptors.
    warnings_.warn(gate_warning::accept_failed, "", err.message());
    pause_.expires_after(rest_);
    pause_.async_wait([this](error_code cancelled) {
      if (!cancelled && is_open())
        wait();
    });
    return;
  }
  wait();
  if (!err)
    on_accepted_(std::move(socket));
}

} // namespace panal
