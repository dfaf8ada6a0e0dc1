#include "http/server.hpp"

#include "driver.hpp"
#include "http/forget_member.hpp"
#include "http/health_probe.hpp"
#include "http/loop.hpp"

#include <arpa/inet.h>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace panal;
using namespace panal::http;
using namespace panal::http::test;

namespace {

// Answers in a later turn of the loop; silent for keys that begin with "slow".
class posted_gateway final : public gateway {
public:
  explicit posted_gateway(boost::asio::io_context& context)
      : context_{context} {
    cache_.members = {"node2"};
  }
  void submit(operation op, std::shared_ptr<answer_sink> sink,
              std::uint64_t ticket) override {
    if (op.key.starts_with("slow"))
      return;
    boost::asio::post(context_, [this, op, sink, ticket] {
      sink->on_answer(ticket, cache_.apply(op));
    });
  }

private:
  boost::asio::io_context& context_;
  fake_cache cache_;
};

options small_options() {
  options opts;
  opts.http_port = 0;
  opts.request_timeout = 300ms;
  opts.header_timeout = 300ms;
  return opts;
}

struct running {
  explicit running(options o = small_options(), const std::string& secret = {})
      : opts{std::move(o)} {
    if (!secret.empty())
      view.is_secret = [secret](std::string_view token) {
        return token == secret;
      };
    const auto bound = node.start();
    REQUIRE(bound.has_value());
    port = *bound;
  }
  // Waits until the server counts `n` connections; false after 5 s.
  bool reaches(std::size_t n) const {
    for (int i = 0; i < 500 && node.connections() != n; ++i)
      std::this_thread::sleep_for(10ms);
    return node.connections() == n;
  }

  options opts;
  system_clock wall;
  node_gate gate;
  node_conditions conditions;
  node_view view{gate, conditions};
  server node{opts, wall, view, [](boost::asio::io_context& context) {
                return std::make_unique<posted_gateway>(context);
              }};
  std::uint16_t port = 0;
};

class peer {
public:
  explicit peer(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_STREAM, 0)} {
    const timeval limit{5, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  }
  peer(peer&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  ~peer() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  // False if the server has reset the connection.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  // One answer; "" when the server has closed.
  std::string receive() {
    for (;;) {
      const auto head = came_.find("\r\n\r\n");
      if (head != std::string::npos) {
        const auto length = field_in(came_, "Content-Length");
        const auto bytes = head + 4 + (length.empty() ? 0 : std::stoul(length));
        if (came_.size() >= bytes) {
          auto one = came_.substr(0, bytes);
          came_.erase(0, bytes);
          return one;
        }
      }
      char room[65536];
      const auto n = ::recv(fd_, room, sizeof room, 0);
      if (n <= 0)
        return {};
      came_.append(room, static_cast<std::size_t>(n));
    }
  }

  std::string ask(std::string_view bytes) {
    send(bytes);
    return receive();
  }

private:
  int fd_;
  std::string came_;
};

} // namespace

TEST_CASE("a server answers over a kept connection") {
  running it;
  peer client{it.port};
  for (int i = 0; i < 3; ++i)
    CHECK(status_in(client.ask(request("GET /_health"))) == 200);
  CHECK(status_in(client.ask(put_request("k", R"({"value":[1],"version":1})")))
        == 200);
  CHECK(body_in(client.ask(request("GET /cache/k")))
        == R"({"value":[1],"version":1,"expires_at":null})");
  CHECK(it.node.connections() == 1);
}

TEST_CASE("a megabyte goes in and out") {
  running it;
  peer client{it.port};
  const auto value = '"' + std::string(1'000'000, 'v') + '"';
  CHECK(status_in(client.ask(
            put_request("k", R"({"version":1,"value":)" + value + "}")))
        == 200);
  CHECK(body_in(client.ask(request("GET /cache/k"))).size() > value.size());
}

TEST_CASE("many clients over two loops") {
  auto opts = small_options();
  opts.http_threads = 2;
  opts.header_timeout = 10s;
  running it{opts};
  std::vector<peer> clients;
  for (int i = 0; i < 200; ++i)
    clients.emplace_back(it.port);
  for (int round = 0; round < 3; ++round) {
    for (const auto& each : clients)
      each.send(request("GET /cache/none"));
    for (auto& each : clients)
      CHECK(status_in(each.receive()) == 404);
  }
  CHECK(it.reaches(200));
  clients.clear();
  CHECK(it.reaches(0));
}

TEST_CASE("over the limit the connection that was idle longest goes") {
  auto opts = small_options();
  opts.max_connections = 2;
  opts.header_timeout = 10s;
  running it{opts};
  peer first{it.port};
  CHECK(status_in(first.ask(request("GET /_health"))) == 200);
  peer second{it.port};
  CHECK(status_in(second.ask(request("GET /_health"))) == 200);
  peer third{it.port};
  CHECK(status_in(third.ask(request("GET /_health"))) == 200);
  CHECK(first.receive().empty());
  CHECK(status_in(second.ask(request("GET /_health"))) == 200);
}

TEST_CASE("to make room no connection is closed over an unread request") {
  // Stepped by hand: the request comes before the loop makes room, and the
  // loop hears of it afterwards.
  const auto opts = small_options();
  system_clock wall;
  node_gate gate;
  node_conditions conditions;
  node_view view{gate, conditions};
  std::atomic<std::size_t> connections{2};
  loop stepped{opts, wall, view,
               [](boost::asio::io_context& context) {
                 return std::make_unique<posted_gateway>(context);
               },
               connections};
  std::array<std::array<int, 2>, 2> ends{};
  for (auto& pair : ends) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data())
            == 0);
    stepped.adopt({pair[0], true});
    stepped.context().poll();
  }
  const auto asked = request("GET /_health");
  REQUIRE(::send(ends[0][1], asked.data(), asked.size(), 0) > 0);
  stepped.make_room();
  stepped.context().poll();
  std::array<char, 4096> room{};
  const auto n = ::recv(ends[0][1], room.data(), room.size(), 0);
  REQUIRE(n > 0);
  CHECK(status_in({room.data(), static_cast<std::size_t>(n)}) == 200);
  // The one that had asked nothing made the room.
  CHECK(::recv(ends[1][1], room.data(), room.size(), 0) == 0);
  CHECK(connections == 1);
  for (const auto& pair : ends)
    ::close(pair[1]);
}

TEST_CASE("over the limit with none idle a client gets 503") {
  auto opts = small_options();
  opts.max_connections = 1;
  opts.request_timeout = 10s;
  running it{opts};
  peer busy{it.port};
  busy.send(request("GET /cache/slow"));
  std::this_thread::sleep_for(50ms);
  peer refused{it.port};
  const auto got = refused.receive();
  CHECK(status_in(got) == 503);
  CHECK(refused.receive().empty());
}

TEST_CASE("slow clients are closed and cost nothing afterwards") {
  running it;
  std::vector<peer> slow;
  for (int i = 0; i < 50; ++i) {
    slow.emplace_back(it.port);
    slow.back().send("GET /_hea");
  }
  for (auto& each : slow) {
    CHECK(status_in(each.receive()) == 408);
    CHECK(each.receive().empty());
  }
  slow.clear();
  CHECK(it.reaches(0));
}

TEST_CASE("a request without an answer gets 503 from the server") {
  running it;
  peer client{it.port};
  CHECK(status_in(client.ask(request("GET /cache/slow"))) == 503);
  CHECK(status_in(client.ask(request("GET /_health"))) == 200);
}

TEST_CASE("the answer to a bad request arrives although more was sent") {
  running it;
  peer client{it.port};
  client.send("bad\r\n\r\n" + std::string(100'000, 'x'));
  CHECK(status_in(client.receive()) == 400);
  CHECK(client.receive().empty());
}

// A client that writes on would get an error instead of its answer.
TEST_CASE("a body over the limit can be sent whole, and gets its answer") {
  running it;
  peer client{it.port};
  client.send("PUT /cache/k HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000"
              "\r\n\r\n");
  CHECK(status_in(client.receive()) == 413);
  const std::string part(1'000'000, 'x');
  for (int i = 0; i < 8; ++i)
    CHECK(client.send(part));
  CHECK(client.receive().empty());
}

TEST_CASE("draining closes idle clients and finishes what was begun") {
  running it;
  peer idle{it.port};
  CHECK(status_in(idle.ask(request("GET /_health"))) == 200);
  peer busy{it.port};
  busy.send(request("GET /cache/slow"));
  std::this_thread::sleep_for(50ms);
  std::thread stopping{[&] { CHECK(it.node.drain(10s)); }};
  CHECK(idle.receive().empty());
  const auto got = busy.receive();
  CHECK(status_in(got) == 503);
  CHECK(field_in(got, "Connection") == "close");
  CHECK(busy.receive().empty());
  { const peer done{std::move(busy)}; }
  stopping.join();
  CHECK(it.node.connections() == 0);
}

TEST_CASE("draining gives up at its deadline, stopping closes the rest") {
  auto opts = small_options();
  opts.request_timeout = 60s;
  running it{opts};
  peer busy{it.port};
  busy.send(request("GET /cache/slow"));
  std::this_thread::sleep_for(50ms);
  CHECK_FALSE(it.node.drain(100ms));
  it.node.stop();
  it.node.stop();
}

TEST_CASE("the health probe tells a node that serves from one that does not") {
  std::uint16_t port = 0;
  {
    running it;
    port = it.port;
    CHECK(probe("127.0.0.1", port, 2s) == 0);
  }
  CHECK(probe("127.0.0.1", port, 500ms) == 1);
  CHECK(probe("no.such.host.invalid", port, 500ms) == 1);
}

TEST_CASE("the health check fails while a node rejoins") {
  running it;
  it.gate.set_writes(errc::clock_unsafe);
  CHECK(probe("127.0.0.1", it.port, 2s) == 0);
  it.gate.set_reads(errc::rejoining);
  CHECK(probe("127.0.0.1", it.port, 2s) == 1);
}

TEST_CASE("a member is forgotten by command, from this machine") {
  running it;
  auto came = forget_member("127.0.0.1", it.port, "node2", "", 2s);
  CHECK(came.what == forgetting::done);
  CHECK(came.text
        == R"({"status":"forgotten","member":"node2","node":"node1"})");
  came = forget_member("127.0.0.1", it.port, "node2", "", 2s);
  CHECK(came.what == forgetting::refused);
  CHECK(came.text.find("No member has this name") != std::string::npos);
}

TEST_CASE("the command sends the secret, and only what a header can hold") {
  running it{small_options(), "0123456789 abcdef"};
  CHECK(
      forget_member("127.0.0.1", it.port, "node2", "0123456789 abcdef", 2s).what
      == forgetting::done);
  for (const auto* wrong : {"", "0123456789 abcdeg"})
    CHECK(forget_member("127.0.0.1", it.port, "node2", wrong, 2s).what
          == forgetting::refused);
  for (const auto* secret : {"0123456789abcdef\r\nX: 1", " 0123456789abcdef",
                             "0123456789abcdef ", "0123456789\tabcdef"}) {
    const auto came = forget_member("127.0.0.1", it.port, "node2", secret, 2s);
    CHECK(came.what == forgetting::not_asked);
    CHECK(came.text.find("0123") == std::string::npos);
  }
}

TEST_CASE("a client of an IPv6 socket is known to be of this machine") {
  // The second takes clients of IPv4, whose addresses are mapped into IPv6.
  using row = std::pair<std::string, std::string>;
  for (const auto& at :
       {row{"::1", "::1"}, row{"::ffff:127.0.0.1", "127.0.0.1"}}) {
    CAPTURE(at.first);
    auto opts = small_options();
    opts.http_host = at.first;
    node_gate gate;
    node_conditions conditions;
    const node_view view{gate, conditions};
    const system_clock wall;
    server node{opts, wall, view, [](boost::asio::io_context& context) {
                  return std::make_unique<posted_gateway>(context);
                }};
    const auto port = node.start();
    if (!port)
      continue; // there is no IPv6 here
    CHECK(forget_member(at.second, *port, "node2", "", 2s).what
          == forgetting::done);
  }
}

TEST_CASE("the command says that no node answers") {
  std::uint16_t port = 0;
  {
    running it;
    port = it.port;
  }
  const auto came = forget_member("127.0.0.1", port, "node2", "", 500ms);
  CHECK(came.what == forgetting::not_asked);
  CHECK_FALSE(came.text.empty());
}

TEST_CASE("a port that is taken is an error with its reason") {
  running it;
  auto opts = it.opts;
  opts.http_port = it.port;
  server second{opts, it.wall, it.view, [](boost::asio::io_context& context) {
                  return std::make_unique<posted_gateway>(context);
                }};
  const auto got = second.start();
  REQUIRE(got.has_error());
  CHECK(got.error().code == errc::unavailable);
  CHECK(got.error().detail.find("127.0.0.1") != std::string::npos);
}
