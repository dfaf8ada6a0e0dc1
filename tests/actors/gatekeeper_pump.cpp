// The links within TLS that a gatekeeper carries: all bytes, in order, both
// ways, in little memory, and no end outlives the other.

#include "tests/actors/gatekeeper_tls_fixture.hpp"

#include <netinet/tcp.h>

#include <algorithm>
#include <fstream>
#include <thread>

using namespace panal;
using namespace panal::test;

namespace {

constexpr std::size_t mebibyte = std::size_t{1024} * 1024;

/// A byte for each place of a stream, so that a gap or a swap shows.
char byte_at(std::size_t place) {
  return static_cast<char>((place * 2654435761u) >> 13);
}

std::string piece_of(std::size_t from, std::size_t size) {
  std::string piece(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    piece[i] = byte_at(from + i);
  return piece;
}

void write_stream(int fd, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    auto piece = piece_of(done, std::min<std::size_t>(size - done, 50'000));
    send_all(fd, piece);
    done += piece.size();
  }
}

bool is_stream(int fd, std::size_t size) {
  for (std::size_t done = 0; done < size;) {
    auto wanted = std::min<std::size_t>(size - done, 7'777);
    if (receive(fd, wanted) != piece_of(done, wanted))
      return false;
    done += wanted;
  }
  return true;
}

std::size_t resident_bytes() {
  std::size_t all = 0;
  std::size_t resident = 0;
  std::ifstream{"/proc/self/statm"} >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Writes until nothing has gone for a while; returns how much has.
std::size_t fill(int fd, std::size_t at_most) {
  std::size_t done = 0;
  while (done < at_most) {
    auto piece = piece_of(done, 50'000);
    auto sent = ::send(fd, piece.data(), piece.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
      continue;
    }
    REQUIRE(errno == EAGAIN);
    pollfd ready{fd, POLLOUT, 0};
    if (::poll(&ready, 1, 300) == 0)
      break;
  }
  return done;
}

} // namespace

TEST_CASE("what CAF gets within TLS is set up as it wants it") {
  tls_pair both;
  auto [ant_end, bee_end] = both.link();
  for (auto fd : {ant_end.socket.get(), bee_end.socket.get()}) {
    CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(option_of(fd, SOL_SOCKET, SO_ERROR) == 0);
  }
}

TEST_CASE("10 MB pass each way at once, in order") {
  tls_pair both;
  auto [ant_end, bee_end] = both.link();
  const auto size = 10 * mebibyte;
  auto ant = ant_end.socket.get();
  auto bee = bee_end.socket.get();
  std::jthread from_ant{[=] { write_stream(ant, size); }};
  std::jthread from_bee{[=] { write_stream(bee, size); }};
  bool bee_heard = false;
  std::jthread at_bee{[&] { bee_heard = is_stream(bee, size); }};
  CHECK(is_stream(ant, size));
  at_bee.join();
  CHECK(bee_heard);
}

TEST_CASE("a reader that does not read holds up the writer, not the memory") {
  tls_pair both;
  auto [ant_end, bee_end] = both.link();
  auto before = resident_bytes();
  const auto size = fill(ant_end.socket.get(), 256 * mebibyte);
  CAPTURE(size);
  // What the kernel's buffers hold; this process's memory holds no more.
  CHECK(size < 32 * mebibyte);
  CHECK(resident_bytes() < before + 2 * mebibyte);
  // Other links are none the worse for it, nor is the other direction.
  send_all(bee_end.socket.get(), "alive");
  CHECK(receive(ant_end.socket.get(), 5) == "alive");
  check_admits(both.ant, both.bee);
  CHECK(is_stream(bee_end.socket.get(), size));
}

TEST_CASE("what was written before the end arrives before the end") {
  tls_pair both;
  for (int round = 0; round < 20; ++round) {
    auto [ant_end, bee_end] = both.link();
    const std::size_t size = 100'000;
    write_stream(ant_end.socket.get(), size);
    ant_end.socket = socket_handle{};
    REQUIRE(is_stream(bee_end.socket.get(), size));
    pollfd end{bee_end.socket.get(), POLLIN, 0};
    REQUIRE(::poll(&end, 1, 20'000) == 1);
    CHECK(is_cut(bee_end.socket.get()));
  }
}

TEST_CASE("a shutdown by a second descriptor ends both sides, either way") {
  tls_pair both;
  auto before = open_descriptors();
  for (bool by_dialler : {true, false}) {
    auto [ant_end, bee_end] = both.link();
    auto& ending = by_dialler ? ant_end : bee_end;
    auto& other = by_dialler ? bee_end : ant_end;
    socket_handle guard{::dup(ending.socket.get())};
    ::shutdown(guard.get(), SHUT_RDWR);
    guard = socket_handle{};
    for (auto* one : {&other, &ending}) {
      pollfd end{one->socket.get(), POLLIN, 0};
      REQUIRE(::poll(&end, 1, 20'000) == 1);
      CHECK(is_cut(one->socket.get()));
    }
  }
  // Both gatekeepers have let go of their sockets.
  CHECK(eventually([&] { return open_descriptors() <= before; }));
}

TEST_CASE("a link whose peer hangs can be ended all the same") {
  tls_pair both;
  auto before = open_descriptors();
  {
    auto [ant_end, bee_end] = both.link();
    fill(ant_end.socket.get(), 256 * mebibyte);
    auto during = open_descriptors();
    ::shutdown(ant_end.socket.get(), SHUT_RDWR);
    // Bee's end is not read, so only ant's gatekeeper can end it: its local
    // socket and its connection go.
    CHECK(eventually([&] { return open_descriptors() <= during - 2; }));
  }
  CHECK(eventually([&] { return open_descriptors() <= before; }));
}

TEST_CASE("stop ends the links within TLS") {
  test_ca ca;
  auto before = open_descriptors();
  {
    node ant{tls_config_of(ca, 1, "ant")};
    auto bee = std::make_unique<node>(tls_config_of(ca, 2, "bee"));
    ant.keeper.dial(bee->address());
    auto ant_end = ant.events.admitted();
    auto bee_end = bee->events.admitted();
    bee->keeper.stop();
    for (auto* one : {&ant_end, &bee_end}) {
      pollfd end{one->socket.get(), POLLIN, 0};
      REQUIRE(::poll(&end, 1, 20'000) == 1);
      CHECK(is_cut(one->socket.get()));
    }
  }
  CHECK(open_descriptors() <= before);
}
