// The network that campaigns run over: each fault does what its name says, to
// the direction that it names and to no other.

#include "tests/support/node.hpp"
#include "tests/torture/network.hpp"
#include "tests/torture/relay.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

using namespace panal::torture;
using namespace panal::test;
using std::chrono::seconds;

namespace {

/// Somebody who listens for one connection.
class listener {
public:
  listener()
      : fd_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    at_.host = test_host();
    ::inet_pton(AF_INET, at_.host.c_str(), &address.sin_addr);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_.get(), generic, size) == 0);
    REQUIRE(::listen(fd_.get(), 8) == 0);
    REQUIRE(::getsockname(fd_.get(), generic, &size) == 0);
    at_.port = ::ntohs(address.sin_port);
  }
  const endpoint& at() const { return at_; }
  bool accept(milliseconds limit = milliseconds{2'000}) {
    return eventually(limit, [this] {
      accepted_ = unique_fd{
          ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
      return static_cast<bool>(accepted_);
    });
  }
  /// What has come so far.
  const std::string& received() {
    std::string buffer(4096, '\0');
    ssize_t got = 0;
    while ((got = ::recv(accepted_.get(), buffer.data(), buffer.size(), 0)) > 0)
      received_.append(buffer, 0, static_cast<std::size_t>(got));
    closed_ |= got == 0 || (errno != EAGAIN && errno != EINTR);
    return received_;
  }
  bool closed() {
    received();
    return closed_;
  }
  void send(std::string_view bytes) {
    ::send(accepted_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

private:
  unique_fd fd_;
  unique_fd accepted_;
  endpoint at_;
  std::string received_;
  bool closed_ = false;
};

const std::string hello = "panal-hsD....\x05node1127.0.0.1:1";

/// node1 has dialled node2.
struct linked {
  network net{3, 1};
  listener second;
  std::optional<connection> line;

  linked() {
    net.forward(1, second.at());
    line = connection::open(net.address(1));
    REQUIRE(line);
    REQUIRE(line->send(hello));
    REQUIRE(second.accept());
    REQUIRE(comes(hello));
  }
  bool comes(const std::string& bytes, milliseconds limit = seconds{2}) {
    return eventually(limit, [&] { return second.received() == bytes; });
  }
  bool comes_back(milliseconds limit) {
    std::string bytes;
    return line->receive(bytes, limit) == read_end::bytes;
  }
};

constexpr milliseconds shortly{100};

} // namespace

TEST_CASE("network: the hello names the dialler") {
  CHECK(dialler_named_in(hello, 3) == 0);
  CHECK(dialler_named_in("....\x05node3", 3) == 2);
  CHECK_FALSE(dialler_named_in("....\x05node3", 2));
  CHECK_FALSE(dialler_named_in("GET / HTTP/1.1", 3));
}

TEST_CASE("network: bytes go both ways and are counted by direction") {
  linked t;
  t.second.send("back");
  CHECK(t.comes_back(seconds{2}));
  CHECK(t.net.relayed(0, 1) == 1);
  CHECK(t.net.bytes(0, 1) == hello.size());
  CHECK(t.net.bytes(1, 0) == 4);
  CHECK(t.net.bytes(0, 2) == 0);
}

TEST_CASE("network: a hole in one direction leaves the other alone") {
  linked t;
  t.net.set(0, 1, {.holds = true});
  REQUIRE(t.line->send("lost?"));
  t.second.send("back");
  CHECK(t.comes_back(seconds{2}));
  CHECK_FALSE(t.comes(hello + "lost?", shortly));
  t.net.heal();
  CHECK(t.comes(hello + "lost?"));
}

TEST_CASE("network: delays hold bytes back and keep their order") {
  linked t;
  t.net.set(0, 1, {.delay = milliseconds{80}, .jitter = milliseconds{40}});
  auto began = steady::now();
  std::string all = hello;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    REQUIRE(t.line->send(std::string(1, letter)));
    all += letter;
    std::this_thread::sleep_for(milliseconds{1});
  }
  CHECK(t.comes(all));
  CHECK(steady::now() - began >= milliseconds{80});
}

TEST_CASE("network: a rate is kept, and a writer feels it") {
  linked t;
  t.net.set(0, 1, {.bytes_per_second = 10'000});
  auto began = steady::now();
  REQUIRE(t.line->send(std::string(4'000, 'x')));
  CHECK(eventually(seconds{3}, [&] {
    return t.second.received().size() == hello.size() + 4'000;
  }));
  auto took = steady::now() - began;
  CHECK(took >= milliseconds{350});
  CHECK(took < milliseconds{1'500});
  CHECK_FALSE(t.line->send(std::string(5'000'000, 'x'), milliseconds{300}));
}

TEST_CASE("network: a cut closes both ends, and those between others not") {
  linked t;
  t.net.cut(2, 1);
  CHECK_FALSE(t.line->closed_by_peer(shortly));
  t.net.cut(1, 0);
  CHECK(t.line->closed_by_peer(seconds{2}));
  CHECK(eventually(seconds{2}, [&] { return t.second.closed(); }));
}

TEST_CASE("network: a cut in a frame passes a part of it on") {
  linked t;
  t.net.cut_in_frame(0, 1);
  REQUIRE(t.line->send("0123456789"));
  CHECK(eventually(seconds{2}, [&] { return t.second.closed(); }));
  CHECK(t.second.received().size() < hello.size() + 10);
  CHECK(t.line->closed_by_peer(seconds{2}));
}

TEST_CASE("network: whom a rule refuses cannot dial, others can") {
  linked t;
  t.net.set(0, 1, {.refuses = true});
  t.net.set(1, 0, {.refuses = true});
  CHECK_FALSE(t.line->closed_by_peer(shortly));
  auto line = connection::open(t.net.address(1));
  REQUIRE(line);
  REQUIRE(line->send(hello));
  CHECK(line->closed_by_peer(seconds{2}));
  auto other = connection::open(t.net.address(1));
  REQUIRE(other);
  REQUIRE(other->send("panal-hsD....\x05node3127.0.0.1:1"));
  CHECK(t.second.accept());
}

TEST_CASE("network: a refused connection is closed at once") {
  linked t;
  t.net.refuse(1, true);
  auto line = connection::open(t.net.address(1));
  REQUIRE(line);
  CHECK(line->closed_by_peer(seconds{2}));
}
