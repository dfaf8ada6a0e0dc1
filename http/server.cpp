#include "http/server.hpp"

#include "logging/log.hpp"

#include <boost/asio/post.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace panal::http {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

constexpr int backlog = 4096;
// Clients accepted before the loop's own sessions get their turn.
constexpr int accepts_per_turn_max = 64;
// For how long nothing is accepted once descriptors or memory ran out: the
// waiting client would be announced again at once, and again.
constexpr auto accept_pause = 100ms;
constexpr auto warning_interval = 10s;

std::vector<std::unique_ptr<loop>>
make_loops(const options& opts, const clock& wall, const node_view& node,
           const gateway_factory& make, std::atomic<std::size_t>& connections) {
  std::vector<std::unique_ptr<loop>> loops;
  const auto n = std::max<std::size_t>(opts.http_threads, 1);
  for (std::size_t i = 0; i < n; ++i)
    loops.push_back(
        std::make_unique<loop>(opts, wall, node, make, connections));
  return loops;
}

tcp::endpoint resolve(boost::asio::io_context& context, const options& opts,
                      boost::system::error_code& ec) {
  tcp::resolver resolver{context};
  const auto found =
      resolver.resolve(opts.http_host, std::to_string(opts.http_port),
                       tcp::resolver::passive, ec);
  return ec || found.empty() ? tcp::endpoint{} : found.begin()->endpoint();
}

boost::system::error_code listen(tcp::acceptor& acceptor,
                                 const tcp::endpoint& at) {
  boost::system::error_code ec;
  acceptor.open(at.protocol(), ec);
  if (!ec)
    acceptor.set_option(tcp::acceptor::reuse_address{true}, ec);
  if (!ec)
    acceptor.bind(at, ec);
  if (!ec)
    acceptor.listen(backlog, ec);
  if (!ec)
    acceptor.native_non_blocking(true, ec);
  return ec;
}

// IPv4 addresses of clients of an IPv6 socket are mapped into it.
bool is_loopback(const boost::asio::ip::address& from) {
  using namespace boost::asio::ip;
  if (from.is_v6() && from.to_v6().is_v4_mapped())
    return make_address_v4(v4_mapped, from.to_v6()).is_loopback();
  return from.is_loopback();
}

} // namespace

server::server(const options& opts, const clock& wall, const node_view& node,
               const gateway_factory& make)
    : opts_{opts},
      loops_{make_loops(opts, wall, node, make, connections_)},
      acceptor_{loops_.front()->context()},
      pause_timer_{loops_.front()->context()} {}

server::~server() {
  stop();
}

result<std::uint16_t> server::start() {
  boost::system::error_code ec;
  const auto at = resolve(loops_.front()->context(), opts_, ec);
  if (!ec)
    ec = listen(acceptor_, at);
  const auto bound = ec ? tcp::endpoint{} : acceptor_.local_endpoint(ec);
  if (ec)
    return error{errc::unavailable, "cannot listen on " + opts_.http_host + ':'
                                        + std::to_string(opts_.http_port) + ": "
                                        + ec.message()};
  wait_for_clients();
  for (const auto& each : loops_)
    threads_.emplace_back([&served = *each] { served.run(); });
  return bound.port();
}

bool server::drain(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  boost::asio::post(loops_.front()->context(), [this] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_timer_.cancel();
    // After the last adopt(), so that no loop misses a connection.
    for (const auto& each : loops_)
      each->drain();
  });
  // The count reaches zero on other threads; 5 ms is soon enough for a stop.
  while (connections_ > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(5ms);
  return connections_ == 0;
}

void server::stop() {
  for (const auto& each : loops_)
    each->stop();
  for (auto& thread : threads_)
    thread.join();
  threads_.clear();
}

// -- accepting: on the first loop's thread ------------------------------------

void server::wait_for_clients() {
  acceptor_.async_wait(tcp::acceptor::wait_read,
                       [this](const boost::system::error_code& ec) {
                         if (!ec && acceptor_.is_open())
                           accept_clients();
                       });
}

void server::accept_clients() {
  for (int i = 0; i < accepts_per_turn_max; ++i) {
    tcp::endpoint from;
    auto from_bytes = static_cast<socklen_t>(from.capacity());
    const int socket = ::accept4(acceptor_.native_handle(), from.data(),
                                 &from_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (socket >= 0) {
      const int on = 1;
      ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ++connections_;
      loops_[next_++ % loops_.size()]->adopt(
          {socket, is_loopback(from.address())});
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR && errno != ECONNABORTED) {
      return pause(errno);
    }
  }
  wait_for_clients();
}

void server::pause(int reason) {
  const auto now = std::chrono::steady_clock::now();
  if (now - warned_ >= warning_interval) {
    warned_ = now;
    log::warning("http_accept_failed", {{"errno", reason}});
  }
  for (const auto& each : loops_)
    each->make_room();
  pause_timer_.expires_after(accept_pause);
  pause_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec && acceptor_.is_open())
      accept_clients();
  });
}

} // namespace panal::http
