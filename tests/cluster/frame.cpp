#include "cluster/frame.hpp"

#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace panal;

namespace {

change made(position at, std::string key, std::string entry) {
  return {at, std::move(key), std::move(entry), own_change};
}

std::string some_changes() {
  const auto a = made(5, "a", "entry a");
  const auto b = made(7, std::string("b\0c", 3), "entry b");
  const std::vector<const change*> sent{&a, &b};
  return encode_changes(2, 4, 9, sent);
}

} // namespace

TEST_CASE("each frame reads back as what was said") {
  const auto beat = decode_frame(encode(heartbeat_frame{123, 45}));
  REQUIRE(beat.has_value());
  CHECK(std::get<heartbeat_frame>(*beat).sent_at == 123);
  CHECK(std::get<heartbeat_frame>(*beat).last == 45);

  const auto ack = decode_frame(encode(ack_frame{77}));
  REQUIRE(ack.has_value());
  CHECK(std::get<ack_frame>(*ack).upto == 77);

  const std::vector<member> known{{1, "node1", "127.0.0.1:7001"},
                                  {2, "node2", "[::1]:7002"}};
  const auto members = decode_frame(encode(members_frame{known}));
  REQUIRE(members.has_value());
  CHECK(std::get<members_frame>(*members).known == known);

  const auto bytes = some_changes();
  const auto changes = decode_frame(bytes);
  REQUIRE(changes.has_value());
  const auto& said = std::get<changes_frame>(*changes);
  CHECK(said.acknowledged == 2);
  CHECK(said.after == 4);
  CHECK(said.upto == 9);
  REQUIRE(said.items.size() == 2);
  CHECK(said.items[1].key == std::string_view("b\0c", 3));
  CHECK(said.items[1].entry == "entry b");
}

TEST_CASE("a frame that is cut short or too long is refused whole") {
  const std::vector<member> known{{1, "node1", "127.0.0.1:7001"}};
  for (const auto& bytes : {encode(heartbeat_frame{1, 2}), encode(ack_frame{3}),
                            encode(members_frame{known}), some_changes()}) {
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK(decode_frame(std::string_view{bytes}.substr(0, size)).has_error());
    CHECK(decode_frame(bytes + 'x').has_error());
  }
}

TEST_CASE("a frame that announces more than it holds allocates nothing") {
  std::string bytes(29, '\0');
  bytes[0] = 3;
  bytes.replace(25, 4, "\xff\xff\xff\xff");
  CHECK(decode_frame(bytes).has_error());
}

TEST_CASE("unknown types and frames that run backwards are refused") {
  CHECK(decode_frame(std::string(9, '\x09')).has_error());
  auto bytes = some_changes();
  bytes[17] = 3; // upto
  CHECK(decode_frame(bytes).has_error());
}

TEST_CASE("only heartbeats and members concern the link") {
  CHECK(is_link_frame(encode(heartbeat_frame{})));
  CHECK(is_link_frame(encode(members_frame{})));
  CHECK_FALSE(is_link_frame(encode(ack_frame{})));
  CHECK_FALSE(is_link_frame(some_changes()));
  CHECK_FALSE(is_link_frame(""));
}

TEST_CASE("random bytes are refused or read, and never read past") {
  const auto seed = test::print_seed("frames");
  std::mt19937_64 random{seed};
  for (int round = 0; round < 50'000; ++round) {
    auto bytes = some_changes();
    for (auto flips = random() % 6; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    const auto read = decode_frame(bytes);
    if (read && std::holds_alternative<changes_frame>(*read))
      for (const auto& item : std::get<changes_frame>(*read).items)
        REQUIRE(item.key.size() + item.entry.size() <= bytes.size());
  }
}
