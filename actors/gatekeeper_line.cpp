#include "actors/gatekeeper_line.hpp"

#include "config/address.hpp"

#include <boost/asio/write.hpp>
#include <fcntl.h>

namespace panal {

namespace asio = boost::asio;
using asio::ip::tcp;
using error_code = boost::system::error_code;

gatekeeper_line::gatekeeper_line(tcp_socket socket, const tls_context& context)
    : stream_{std::in_place_type<tls_stream>, std::move(socket),
              context.new_session()} {
  // nop
}

tcp::socket& gatekeeper_line::socket() noexcept {
  auto* tls = std::get_if<tls_stream>(&stream_);
  return tls != nullptr ? tls->next_layer()
                        : *std::get_if<tcp_socket>(&stream_);
}

const tcp::socket& gatekeeper_line::socket() const noexcept {
  const auto* tls = std::get_if<tls_stream>(&stream_);
  return tls != nullptr ? tls->next_layer()
                        : *std::get_if<tcp_socket>(&stream_);
}

void gatekeeper_line::secure(bool dialled,
                             std::function<void(error_code)> on_end) {
  std::get<tls_stream>(stream_).async_handshake(
      dialled ? asio::ssl::stream_base::client : asio::ssl::stream_base::server,
      std::move(on_end));
}

void gatekeeper_line::write(asio::const_buffer bytes, done on_end) {
  std::visit(
      [&](auto& stream) {
        asio::async_write(stream, bytes, std::move(on_end));
      },
      stream_);
}

void gatekeeper_line::read_some(asio::mutable_buffer into, done on_end) {
  std::visit(
      [&](auto& stream) { stream.async_read_some(into, std::move(on_end)); },
      stream_);
}

bool gatekeeper_line::is_peer_named(std::string_view name) {
  auto* tls = std::get_if<tls_stream>(&stream_);
  return tls == nullptr || panal::is_peer_named(tls->native_handle(), name);
}

bool gatekeeper_line::is_tls_error(error_code err) noexcept {
  return err.category() == asio::error::get_ssl_category();
}

std::string gatekeeper_line::describe(error_code err) {
  auto words = err.message();
  auto* tls = std::get_if<tls_stream>(&stream_);
  if (tls != nullptr)
    if (auto problem = peer_problem(tls->native_handle()); !problem.empty())
      words += ": " + problem;
  return words;
}

std::string gatekeeper_line::remote() const {
  error_code err;
  auto where = socket().remote_endpoint(err);
  if (err)
    return "gone";
  return to_string(endpoint{where.address().to_string(), where.port()});
}

// What CAF does to its own sockets (event_handler.cpp:63, new_scribe in
// default_multiplexer.cpp:668, SOCK_CLOEXEC in new_tcp_connection).
bool gatekeeper_line::prepare() noexcept {
  error_code err;
  socket().native_non_blocking(true, err);
  if (!err)
    socket().set_option(tcp::no_delay{true}, err);
  if (!err)
    socket().set_option(asio::socket_base::keep_alive{true}, err);
  return !err && ::fcntl(socket().native_handle(), F_SETFD, FD_CLOEXEC) == 0;
}

socket_handle gatekeeper_line::release() {
  error_code err;
  socket_handle handle{socket().release(err)};
  return err ? socket_handle{} : std::move(handle);
}

void gatekeeper_line::close() noexcept {
  error_code ignored;
  socket().close(ignored);
}

} // namespace panal
