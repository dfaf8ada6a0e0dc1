#include "actors/gatekeeper.hpp"

#include "actors/gatekeeper_names.hpp"
#include "tests/actors/gatekeeper_fixture.hpp"

#include <netinet/tcp.h>

#include <future>

using namespace panal;
using namespace panal::test;

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
