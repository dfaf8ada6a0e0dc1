#include "actors/gatekeeper.hpp"

#include "actors/gatekeeper_names.hpp"
#include "actors/gatekeeper_warnings.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

using namespace panal;
using namespace std::chrono_literals;

namespace {

using clock_type = std::chrono::steady_clock;

constexpr auto patience = 20s;

/// What a gatekeeper has reported, awaited with a deadline.
class mailbox {
public:
  struct failed_dial {
    std::string address;
    dial_failure reason;
  };

  gatekeeper::callbacks callbacks() {
    return {[this](admitted_peer peer) { add(admitted_, std::move(peer)); },
            [this](const member& who, const std::string&) {
              add(introduced_, who);
            },
            [this](const std::string& address, dial_failure reason) {
              add(failures_, failed_dial{address, reason});
            }};
  }

  admitted_peer admitted() { return next(admitted_); }
  member introduced() { return next(introduced_); }
  failed_dial failure() { return next(failures_); }

  bool is_empty() {
    std::lock_guard guard{mutex_};
    return admitted_.empty() && introduced_.empty() && failures_.empty();
  }

private:
  template <class T>
  void add(std::vector<T>& list, T what) {
    std::lock_guard guard{mutex_};
    list.push_back(std::move(what));
    changed_.notify_all();
  }

  template <class T>
  T next(std::vector<T>& list) {
    std::unique_lock guard{mutex_};
    REQUIRE(changed_.wait_for(guard, patience, [&] { return !list.empty(); }));
    auto what = std::move(list.front());
    list.erase(list.begin());
    return what;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<admitted_peer> admitted_;
  std::vector<member> introduced_;
  std::vector<failed_dial> failures_;
};

gatekeeper_config config_of(origin_id origin, std::string name) {
  gatekeeper_config config;
  config.self.origin = origin;
  config.self.name = std::move(name);
  config.secret = "honey";
  config.handshake_timeout = 10s;
  config.dial_timeout = 10s;
  return config;
}

/// A started gatekeeper on a port of its own.
struct node {
  mailbox events;
  gatekeeper keeper;
  std::uint16_t port = 0;

  explicit node(gatekeeper_config config) : keeper{std::move(config)} {
    auto bound = keeper.start(events.callbacks());
    REQUIRE(bound.has_value());
    port = *bound;
  }

  node(origin_id origin, std::string name)
      : node{config_of(origin, std::move(name))} {}

  std::string address() const { return "127.0.0.1:" + std::to_string(port); }
};

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

socket_handle new_socket() {
  socket_handle fd{::socket(AF_INET, SOCK_STREAM, 0)};
  REQUIRE(fd);
  timeval limit{20, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd;
}

/// A blocking connection to a gatekeeper.
socket_handle connect_to(std::uint16_t port) {
  auto fd = new_socket();
  auto address = loopback(port);
  REQUIRE(
      ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address)
      == 0);
  return fd;
}

/// A listening socket that nobody accepts from.
struct silent_server {
  socket_handle fd = new_socket();
  std::uint16_t port = 0;

  silent_server() {
    auto address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd.get(), generic, size) == 0);
    REQUIRE(::listen(fd.get(), 16) == 0);
    REQUIRE(::getsockname(fd.get(), generic, &size) == 0);
    port = ntohs(address.sin_port);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port); }
};

/// Reads until the other end closes or resets; false if it never does.
bool is_cut(int fd) {
  char buffer[256];
  for (;;) {
    auto got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got == 0 || (got < 0 && errno == ECONNRESET))
      return true;
    if (got < 0)
      return false;
  }
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      REQUIRE(::poll(&ready, 1, 20'000) == 1);
      continue;
    }
    REQUIRE(sent > 0);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string receive(int fd, std::size_t size) {
  std::string all(size, '\0');
  std::size_t have = 0;
  while (have < size) {
    pollfd ready{fd, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, 20'000) == 1);
    auto got = ::recv(fd, all.data() + have, size - have, 0);
    REQUIRE(got > 0);
    have += static_cast<std::size_t>(got);
  }
  return all;
}

std::ptrdiff_t open_descriptors() {
  std::filesystem::directory_iterator all{"/proc/self/fd"};
  return std::distance(begin(all), end(all));
}

int option_of(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

void check_admits(node& smaller, node& larger) {
  smaller.keeper.dial(larger.address());
  auto dialled = smaller.events.admitted();
  auto accepted = larger.events.admitted();
  CHECK(dialled.peer == larger.keeper.self());
  CHECK(accepted.peer == smaller.keeper.self());
  CHECK(dialled.link_id == accepted.link_id);
  CHECK(dialled.dialled == larger.keeper.self().address);
  CHECK(accepted.dialled.empty());
}

clock_type::duration time_of(const std::function<void()>& what) {
  auto from = clock_type::now();
  what();
  return clock_type::now() - from;
}

} // namespace

TEST_CASE("the smaller origin's dial is admitted on both sides") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  check_admits(ant, bee);
  CHECK(ant.events.is_empty());
  CHECK(bee.events.is_empty());
}

TEST_CASE("the larger origin's dial only introduces the two") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  bee.keeper.dial(ant.address());
  CHECK(bee.events.introduced() == ant.keeper.self());
  CHECK(ant.events.introduced() == bee.keeper.self());
  CHECK(ant.events.is_empty());
  CHECK(bee.events.is_empty());
}

TEST_CASE("an address that was not given is the bound one") {
  node ant{1, "ant"};
  CHECK(ant.keeper.self().address == ant.address());
  auto config = config_of(2, "bee");
  config.self.address = "bee.example:7001";
  node bee{config};
  CHECK(bee.keeper.self().address == "bee.example:7001");
}

TEST_CASE("an admitted socket is set up as CAF wants it") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  ant.keeper.dial(bee.address());
  for (auto* events : {&ant.events, &bee.events}) {
    auto peer = events->admitted();
    auto fd = peer.socket.get();
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option_of(fd, IPPROTO_TCP, TCP_NODELAY) != 0);
    CHECK(option_of(fd, SOL_SOCKET, SO_KEEPALIVE) != 0);
    CHECK(option_of(fd, SOL_SOCKET, SO_ERROR) == 0);
  }
}

TEST_CASE("bytes written right after the admission arrive whole") {
  node ant{1, "ant"};
  mailbox bee_events;
  gatekeeper bee{config_of(2, "bee")};
  auto bee_callbacks = bee_events.callbacks();
  // Both write from within the callback, as early as can be.
  const std::string from_bee(60'000, 'b');
  auto forward = bee_callbacks.on_admitted;
  bee_callbacks.on_admitted = [&](admitted_peer peer) {
    send_all(peer.socket.get(), from_bee);
    forward(std::move(peer));
  };
  auto port = bee.start(bee_callbacks);
  REQUIRE(port.has_value());
  for (int round = 0; round < 20; ++round) {
    ant.keeper.dial("127.0.0.1:" + std::to_string(*port));
    auto ant_end = ant.events.admitted();
    std::string from_ant(60'000, static_cast<char>('a' + round));
    send_all(ant_end.socket.get(), from_ant);
    auto bee_end = bee_events.admitted();
    CHECK(receive(bee_end.socket.get(), from_ant.size()) == from_ant);
    CHECK(receive(ant_end.socket.get(), from_bee.size()) == from_bee);
  }
}

TEST_CASE("a wrong secret is told to the dialler and admits nobody") {
  node ant{1, "ant"};
  auto config = config_of(2, "bee");
  SUBCASE("a different one") {
    config.secret = "wax";
  }
  SUBCASE("none") {
    config.secret.clear();
  }
  node bee{config};
  ant.keeper.dial(bee.address());
  auto failure = ant.events.failure();
  CHECK(failure.reason == dial_failure::wrong_secret);
  CHECK(failure.address == bee.address());
  CHECK(bee.events.is_empty());
}

TEST_CASE("without a secret two nodes admit each other too") {
  auto ant_config = config_of(1, "ant");
  auto bee_config = config_of(2, "bee");
  ant_config.secret.clear();
  bee_config.secret.clear();
  node ant{ant_config};
  node bee{bee_config};
  check_admits(ant, bee);
}

TEST_CASE("another protocol is told apart") {
  auto config = config_of(1, "ant");
  config.protocol = cluster_protocol + 1;
  node ant{config};
  node bee{2, "bee"};
  ant.keeper.dial(bee.address());
  CHECK(ant.events.failure().reason == dial_failure::wrong_protocol);
  bee.keeper.dial(ant.address());
  CHECK(bee.events.failure().reason == dial_failure::wrong_protocol);
}

TEST_CASE("a node that dials itself is told so") {
  node ant{1, "ant"};
  ant.keeper.dial(ant.address());
  CHECK(ant.events.failure().reason == dial_failure::self);
  CHECK(ant.events.is_empty());
}

TEST_CASE("a dial ends within its deadline whatever is at the address") {
  auto config = config_of(1, "ant");
  config.handshake_timeout = 200ms;
  config.dial_timeout = 200ms;
  node ant{config};
  SUBCASE("nothing") {
    auto port = silent_server{}.port; // closed again
    ant.keeper.dial("127.0.0.1:" + std::to_string(port));
    CHECK(ant.events.failure().reason == dial_failure::unreachable);
  }
  SUBCASE("somebody who accepts and never speaks") {
    silent_server mute;
    auto took = time_of([&] {
      ant.keeper.dial(mute.address());
      CHECK(ant.events.failure().reason == dial_failure::timed_out);
    });
    CHECK(took >= 200ms);
    CHECK(took < 5s);
  }
  SUBCASE("somebody who hangs up") {
    silent_server rude;
    ant.keeper.dial(rude.address());
    ::close(::accept(rude.fd.get(), nullptr, nullptr));
    CHECK(ant.events.failure().reason == dial_failure::closed);
  }
  SUBCASE("somebody who is no node") {
    silent_server web;
    ant.keeper.dial(web.address());
    socket_handle peer{::accept(web.fd.get(), nullptr, nullptr)};
    send_all(peer.get(), "HTTP/1.1 400 Bad Request\r\n\r\n");
    CHECK(ant.events.failure().reason == dial_failure::malformed);
  }
  SUBCASE("no address") {
    ant.keeper.dial("somewhere");
    CHECK(ant.events.failure().reason == dial_failure::bad_address);
  }
  SUBCASE("a name that cannot be") {
    ant.keeper.dial("no.such.name.invalid:7001");
    auto reason = ant.events.failure().reason;
    CHECK((reason == dial_failure::unresolved
           || reason == dial_failure::timed_out));
  }
}

TEST_CASE("a name is looked up") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  ant.keeper.dial("localhost:" + std::to_string(bee.port));
  CHECK(ant.events.admitted().peer == bee.keeper.self());
}

TEST_CASE("an address is dialled once at a time, and again afterwards") {
  node ant{1, "ant"};
  silent_server mute;
  for (int i = 0; i < 10; ++i)
    ant.keeper.dial(mute.address());
  socket_handle first{::accept(mute.fd.get(), nullptr, nullptr)};
  REQUIRE(first);
  // This end of the only dial is what the dialler waits for.
  first = socket_handle{};
  CHECK(ant.events.failure().reason == dial_failure::closed);
  pollfd more{mute.fd.get(), POLLIN, 0};
  CHECK(::poll(&more, 1, 0) == 0);
  ant.keeper.dial(mute.address());
  socket_handle second{::accept(mute.fd.get(), nullptr, nullptr)};
  CHECK(second);
}

TEST_CASE("a stranger who stays silent is cut at the deadline") {
  auto config = config_of(1, "ant");
  config.handshake_timeout = 200ms;
  node ant{config};
  for (std::string_view said : {"", "panal-hs", "panal-hsD"}) {
    CAPTURE(said);
    auto took = time_of([&] {
      auto fd = connect_to(ant.port);
      send_all(fd.get(), said);
      CHECK(is_cut(fd.get()));
    });
    CHECK(took >= 190ms);
    CHECK(took < 5s);
  }
  CHECK(ant.events.is_empty());
}

TEST_CASE("a stranger who dribbles bytes gets no longer than the others") {
  auto config = config_of(1, "ant");
  config.handshake_timeout = 300ms;
  node ant{config};
  auto fd = connect_to(ant.port);
  auto from = clock_type::now();
  std::string hello = "panal-hsD";
  hello.append({0, 1, 1, 0});
  hello.append(200, 'n');
  std::size_t sent = 0;
  pollfd cut{fd.get(), POLLIN, 0};
  // One byte every 20 ms, until the other end closes.
  while (::poll(&cut, 1, 20) == 0 && sent < hello.size())
    send_all(fd.get(), hello.substr(sent++, 1));
  CHECK(is_cut(fd.get()));
  CHECK(clock_type::now() - from < 3s);
}

TEST_CASE("garbage is cut at once, long before the deadline") {
  node ant{1, "ant"};
  auto seed = std::random_device{}();
  INFO("seed ", seed);
  std::mt19937 random{seed};
  std::uniform_int_distribution<int> byte{0, 255};
  for (int round = 0; round < 50; ++round) {
    std::string garbage(1000, '\0');
    for (auto& c : garbage)
      c = static_cast<char>(byte(random));
    garbage[0] = '\0'; // whatever was drawn, it is no hello
    auto took = time_of([&] {
      auto fd = connect_to(ant.port);
      send_all(fd.get(), garbage);
      REQUIRE(is_cut(fd.get()));
    });
    REQUIRE(took < 5s);
  }
  node bee{2, "bee"};
  check_admits(ant, bee);
}

TEST_CASE("a recorded dialler gets nothing but a challenge") {
  // The first bytes of a real dial, taken by a false server, played to a node.
  node ant{1, "ant"};
  node bee{2, "bee"};
  silent_server thief;
  ant.keeper.dial(thief.address());
  socket_handle stolen{::accept(thief.fd.get(), nullptr, nullptr)};
  auto size = 13 + 32 + 9 + ant.keeper.self().name.size()
              + ant.keeper.self().address.size();
  auto hello = receive(stolen.get(), size);
  auto fd = connect_to(bee.port);
  send_all(fd.get(), hello);
  receive(fd.get(), size);
  send_all(fd.get(), std::string(32, 'x'));
  CHECK(receive(fd.get(), 1) == "\x04");
  CHECK(is_cut(fd.get()));
  CHECK(bee.events.is_empty());
}

TEST_CASE("500 strangers at once leave neither descriptors nor damage") {
  auto config = config_of(2, "bee");
  config.handshake_timeout = 500ms;
  node bee{config};
  auto before = open_descriptors();
  std::vector<socket_handle> strangers;
  for (int i = 0; i < 500; ++i)
    strangers.push_back(connect_to(bee.port));
  for (auto& stranger : strangers)
    REQUIRE(is_cut(stranger.get()));
  strangers.clear();
  // All of them have seen their end, so the gatekeeper has closed its own.
  CHECK(open_descriptors() <= before);
  CHECK(bee.events.is_empty());
  node ant{1, "ant"};
  check_admits(ant, bee);
}

TEST_CASE("beyond pending_max the oldest gives way to the newest") {
  auto config = config_of(2, "bee");
  config.pending_max = 3;
  node bee{config};
  std::vector<socket_handle> strangers;
  for (int i = 0; i < 4; ++i)
    strangers.push_back(connect_to(bee.port));
  CHECK(is_cut(strangers[0].get()));
  for (std::size_t i = 1; i < strangers.size(); ++i) {
    pollfd cut{strangers[i].get(), POLLIN, 0};
    CHECK(::poll(&cut, 1, 0) == 0);
  }
  // A peer finds a place although strangers hold them all.
  node ant{1, "ant"};
  check_admits(ant, bee);
}

TEST_CASE("admitted connections do not count as pending") {
  auto config = config_of(9, "bee");
  config.pending_max = 1;
  node bee{config};
  node ant{1, "ant"};
  std::vector<admitted_peer> kept;
  for (int i = 0; i < 5; ++i) {
    ant.keeper.dial(bee.address());
    kept.push_back(ant.events.admitted());
    kept.push_back(bee.events.admitted());
  }
  CHECK(kept.size() == 10);
}

TEST_CASE("accepting goes on after the process was out of descriptors") {
  node bee{2, "bee"};
  auto fd = new_socket();
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  auto lowest_free = ::dup(0);
  ::close(lowest_free);
  rlimit tight{static_cast<rlim_t>(lowest_free), before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
  // The kernel connects; the gatekeeper cannot accept.
  auto address = loopback(bee.port);
  auto connected = ::connect(fd.get(), reinterpret_cast<sockaddr*>(&address),
                             sizeof address);
  pollfd cut{fd.get(), POLLIN, 0};
  rusage from{};
  ::getrusage(RUSAGE_SELF, &from);
  auto answered = ::poll(&cut, 1, 500);
  rusage to{};
  ::getrusage(RUSAGE_SELF, &to);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE(connected == 0);
  CHECK(answered == 0);
  auto cpu = [](const rusage& used) {
    return std::chrono::seconds{used.ru_utime.tv_sec + used.ru_stime.tv_sec}
           + std::chrono::microseconds{used.ru_utime.tv_usec
                                       + used.ru_stime.tv_usec};
  };
  CHECK(cpu(to) - cpu(from) < 200ms); // it rests instead of spinning
  send_all(fd.get(), "x");
  CHECK(is_cut(fd.get()));
  node ant{1, "ant"};
  check_admits(ant, bee);
}

TEST_CASE("stop waits for nobody and closes everything") {
  auto before = open_descriptors();
  {
    silent_server mute;
    auto bee = std::make_unique<node>(2, "bee");
    std::vector<socket_handle> strangers;
    for (int i = 0; i < 20; ++i)
      strangers.push_back(connect_to(bee->port));
    bee->keeper.dial(mute.address());
    socket_handle dialled{::accept(mute.fd.get(), nullptr, nullptr)};
    bee->keeper.dial("192.0.2.1:7001"); // never answers, if there is a route
    CHECK(time_of([&] { bee->keeper.stop(); }) < 3s);
    for (auto& stranger : strangers)
      CHECK(is_cut(stranger.get()));
    CHECK(is_cut(dialled.get()));
    bee->keeper.stop();
    bee->keeper.dial(mute.address()); // of no effect
  }
  CHECK(open_descriptors() <= before);
}

TEST_CASE("what start cannot do is an error, not a crash") {
  node ant{1, "ant"};
  auto config = config_of(2, "bee");
  SUBCASE("taken") {
    config.port = ant.port;
  }
  SUBCASE("unknown host") {
    config.host = "no.such.name.invalid";
  }
  SUBCASE("no name") {
    config.self.name.clear();
  }
  SUBCASE("no origin") {
    config.self.origin = 0;
  }
  SUBCASE("a bad address") {
    config.self.address = "here";
  }
  gatekeeper bee{config};
  auto started = bee.start({});
  REQUIRE(started.has_error());
  CHECK(started.error().code == errc::unavailable);
  CHECK(!started.error().detail.empty());
}

TEST_CASE("a name server that never answers holds up nobody") {
  std::promise<void> release;
  auto released = release.get_future().share();
  auto io = std::make_unique<boost::asio::io_context>();
  auto slow = [released](const endpoint&) {
    released.wait();
    return gatekeeper_names::endpoints{};
  };
  auto names = std::make_unique<gatekeeper_names>(*io, slow);
  bool numeric_found = false;
  bool slow_found = false;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < gatekeeper_names::threads_max; ++i)
    names->find({"slow.example", 1}, [&](auto) { slow_found = true; });
  names->find({"one.more.example", 1},
              [&](auto where) { refused += where.empty(); });
  names->find({"127.0.0.1", 7},
              [&](auto where) { numeric_found = where.size() == 1; });
  io->poll();
  CHECK(numeric_found);
  CHECK(refused == 1);
  names.reset();
  io.reset();
  release.set_value(); // the threads end after what they would report to
  CHECK(!slow_found);
}
