// What is looked at before CAF reads it: headers that cannot be end a link.

#include "actors/basp_guard.hpp"

#include "tests/actors/gatekeeper_tls_fixture.hpp"
#include "tests/support/seed.hpp"

#include <atomic>
#include <random>

using namespace panal;
using namespace panal::test;

namespace {

constexpr std::size_t limit = 1'000;

std::string message(unsigned char operation, std::uint32_t size) {
  std::string bytes(32, '\x7f');
  bytes[0] = static_cast<char>(operation);
  for (std::size_t i = 0; i < 4; ++i)
    bytes[4 + i] = static_cast<char>(size >> (24 - 8 * i));
  return bytes + std::string(std::min<std::size_t>(size, 5'000), '\xff');
}

} // namespace

TEST_CASE("messages of CAF pass, in pieces of any size") {
  std::mt19937_64 random{print_seed("guard pieces")};
  std::string stream;
  for (std::uint32_t i = 0; i < 300; ++i)
    stream += message(static_cast<unsigned char>(random() % 7),
                      static_cast<std::uint32_t>(random() % (limit + 1)));
  basp_guard guard{limit};
  for (std::string_view rest = stream; !rest.empty();) {
    const auto size = std::min<std::size_t>(rest.size(), random() % 100);
    CHECK(guard.follow(rest.substr(0, size)));
    rest.remove_prefix(size);
  }
  CHECK(guard.wrong().empty());
}

TEST_CASE("a message over the limit is refused with its header") {
  basp_guard guard{limit};
  CHECK(guard.follow(message(2, limit)));
  CHECK_FALSE(guard.follow(message(2, limit + 1).substr(0, 32)));
  CHECK_FALSE(guard.wrong().empty());
  CHECK_FALSE(guard.follow(message(2, 1))); // and so is what follows
  basp_guard other{limit};
  CHECK_FALSE(other.follow(message(2, 0xffffffff).substr(0, 32)));
}

TEST_CASE("an unknown operation is refused") {
  for (unsigned operation = 7; operation < 256; ++operation) {
    basp_guard guard{limit};
    CHECK_FALSE(
        guard.follow(message(static_cast<unsigned char>(operation), 0)));
  }
}

TEST_CASE("a proven peer that sends what cannot be is cut off and told of") {
  for (const bool in_tls : {false, true}) {
    CAPTURE(in_tls);
    test_ca ca;
    const auto config = [&](origin_id origin, const char* name) {
      return in_tls ? tls_config_of(ca, origin, name) : config_of(origin, name);
    };
    auto guarded = config(2, "bee");
    guarded.link_message_bytes_max = limit;
    mailbox events;
    auto on = events.callbacks();
    std::atomic<std::uint64_t> misframed = 0;
    on.on_misframed = [&](std::uint64_t link, auto) { misframed = link; };
    gatekeeper bee{guarded};
    const auto port = bee.start(std::move(on));
    REQUIRE(port.has_value());
    node ant{config(1, "ant")};
    ant.keeper.dial("127.0.0.1:" + std::to_string(*port));
    auto ant_end = ant.events.admitted();
    auto bee_end = events.admitted();
    const auto sound = message(2, limit);
    send_all(ant_end.socket.get(), sound);
    CHECK(receive(bee_end.socket.get(), sound.size()) == sound);
    CHECK(bee.counts().misframed == 0);
    // Its bytes are counted, and also those of a message that is not whole.
    CHECK(bee_end.received->load() == sound.size());
    const auto half = message(2, limit).substr(0, limit / 2);
    send_all(ant_end.socket.get(), half);
    CHECK(receive(bee_end.socket.get(), half.size()) == half);
    CHECK(bee_end.received->load() == sound.size() + half.size());
    const auto rest = message(2, limit).substr(limit / 2);
    send_all(ant_end.socket.get(), rest);
    CHECK(receive(bee_end.socket.get(), rest.size()) == rest);
    send_all(ant_end.socket.get(), message(2, limit + 1));
    for (auto* one : {&ant_end, &bee_end}) {
      pollfd end{one->socket.get(), POLLIN, 0};
      REQUIRE(::poll(&end, 1, 20'000) == 1);
      CHECK(is_cut(one->socket.get()));
    }
    CHECK(bee.counts().misframed == 1);
    CHECK(misframed == bee_end.link_id);
  }
}
