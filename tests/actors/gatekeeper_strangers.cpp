// What strangers at the cluster port cost: a place until their deadline.

#include "tests/actors/gatekeeper_fixture.hpp"

#include <sys/resource.h>

#include <random>

using namespace panal;
using namespace panal::test;

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
  hello.append({0, static_cast<char>(cluster_protocol), 1, 0});
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
  auto size = 13 + 32 + 32 + 8 + 9 + ant.keeper.self().name.size()
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
