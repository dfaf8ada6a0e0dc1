#include "cluster/frame.hpp"

#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <numeric>
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
  return encode_changes(2, 4, 9, sent, 3, 2);
}

greeting_frame some_greeting() {
  greeting_frame said;
  said.hlc = 1;
  said.line = 2;
  said.last = 3;
  said.settled = true;
  said.has_data = true;
  said.merged_hlc = 4;
  said.marked = 13;
  said.identity = {14, 15};
  said.runs = {{5, 6, 11}, {7, 8, 12}};
  said.receiver_runs = {{9, 10}};
  return said;
}

const repair_leaves_frame some_leaves{
    7, true, 8, {{1, {{2, 3}, {4, 5}}}, {6, {}}, {9, {{1, 1}}}}};

const std::vector<member> some_members{{1, "node1", "127.0.0.1:7001"},
                                       {2, "node2", "[::1]:7002", 77}};

/// One frame of each type.
std::vector<std::string> all_frames() {
  return {encode(heartbeat_frame{1, 2, 3}),
          encode(members_frame{some_members}),
          some_changes(),
          encode(ack_frame{3, 4, 5, true}),
          encode(some_greeting()),
          encode(accept_frame{}),
          encode(mark_frame{1, 2, 3, 4, {{5, 6}, {7, 8}}}),
          encode(repair_root_frame{1, 2}),
          encode(repair_equal_frame{1}),
          encode(repair_ask_frame{1, 3, {4, 7}}),
          encode(repair_hashes_frame{1, 0, {2, 3}}),
          encode(some_leaves),
          encode(repair_entries_frame{1, {{"key", "entry"}, {"k", "e"}}}),
          encode(receipt_frame{1, 2}),
          encode(fetch_frame{1, {"key", "k"}}),
          encode(fetched_frame{1, 2, {{"key", "entry"}, {"k", ""}}})};
}

/// The numbers in front of a piece's bytes, as no sender need have them.
std::string some_piece(std::uint32_t stream, std::uint64_t total,
                       std::uint64_t offset, std::string_view bytes) {
  return encode(piece_frame{stream, total, offset, bytes});
}

template <class Frame>
Frame read_back(const std::string& bytes) {
  const auto read = decode_frame(bytes);
  REQUIRE(read.has_value());
  REQUIRE(std::holds_alternative<Frame>(*read));
  return std::get<Frame>(*read);
}

} // namespace

TEST_CASE("heartbeats, acks and accepts read back as what was said") {
  const auto beat =
      read_back<heartbeat_frame>(encode(heartbeat_frame{-1, 4, 5}));
  CHECK(beat.sent_at == -1);
  CHECK(beat.echo == 4);
  CHECK(beat.held_ms == 5);
  CHECK(read_back<ack_frame>(encode(ack_frame{77, 99})).upto == 77);
  CHECK(read_back<ack_frame>(encode(ack_frame{77, 99})).last == 99);
  CHECK(read_back<ack_frame>(encode(ack_frame{77, 99})).settled == 77);
  const auto refused = read_back<ack_frame>(encode(ack_frame{7, 9, 8, true}));
  CHECK(refused.settled == 8);
  CHECK(refused.refused);
  read_back<accept_frame>(encode(accept_frame{}));
}

TEST_CASE("members read back, forgotten ones too") {
  const auto bytes = encode(members_frame{some_members});
  CHECK(read_back<members_frame>(bytes).known == some_members);
}

TEST_CASE("changes read back as what was said") {
  const auto bytes = some_changes();
  const auto said = read_back<changes_frame>(bytes);
  CHECK(said.acknowledged == 2);
  CHECK(said.after == 4);
  CHECK(said.upto == 9);
  REQUIRE(said.items.size() == 2);
  CHECK(said.items[1].key == std::string_view("b\0c", 3));
  CHECK(said.items[1].entry == "entry b");
  CHECK(said.first_stream == 3);
  CHECK(said.streams == 2);
}

TEST_CASE("pieces and receipts read back as what was said") {
  const auto piece = read_back<piece_frame>(some_piece(7, 100, 95, "bytes"));
  CHECK(piece.stream == 7);
  CHECK(piece.total == 100);
  CHECK(piece.offset == 95);
  CHECK(piece.bytes == "bytes");
  const auto receipt = read_back<receipt_frame>(encode(receipt_frame{8, 9}));
  CHECK(receipt.sent == 8);
  CHECK(receipt.received == 9);
}

TEST_CASE("a piece that cannot be of its stream is refused") {
  CHECK(decode_frame(some_piece(0, 5, 0, "bytes")).has_error());
  CHECK(decode_frame(some_piece(1, 4, 0, "bytes")).has_error());
  CHECK(decode_frame(some_piece(1, 5, 1, "bytes")).has_error());
  CHECK(decode_frame(some_piece(1, 5, 6, "bytes")).has_error());
  CHECK(decode_frame(some_piece(1, 5, UINT64_MAX, "bytes")).has_error());
  CHECK(decode_frame(some_piece(1, 5, 0, "")).has_error());
  const std::string long_one(piece_bytes_max + 1, 'x');
  CHECK(decode_frame(some_piece(1, UINT64_MAX, 0, long_one)).has_error());
  CHECK(decode_frame(some_piece(1, UINT64_MAX, UINT64_MAX - 5, "bytes"))
            .has_value());
}

TEST_CASE("a stream is a deferred change, entries, leaves or fetched keys") {
  const auto bytes = encode(deferred_frame{"key", "entry"});
  const auto read = decode_stream(bytes);
  REQUIRE(read.has_value());
  CHECK(std::get<deferred_frame>(*read).key == "key");
  CHECK(std::get<deferred_frame>(*read).entry == "entry");
  CHECK(decode_frame(bytes).has_error());
  CHECK(decode_stream(encode(deferred_frame{"key", ""})).has_error());
  CHECK(decode_stream(bytes + 'x').has_error());
  CHECK(decode_stream("").has_error());
  for (const auto& other : all_frames()) {
    const auto type = static_cast<int>(other.front());
    CHECK(decode_stream(other).has_value()
          == (type == 12 || type == 13 || type == 21));
  }
}

TEST_CASE("a changes frame defers to few streams, which there are") {
  const std::vector<const change*> none;
  CHECK(decode_frame(encode_changes(1, 2, 3, none, 1, frame_streams_max))
            .has_value());
  CHECK(decode_frame(encode_changes(1, 2, 3, none, 1, frame_streams_max + 1))
            .has_error());
  CHECK(decode_frame(encode_changes(1, 2, 3, none, 0, 1)).has_error());
  CHECK(decode_frame(encode_changes(1, 2, 3, none, UINT32_MAX, 2)).has_error());
}

TEST_CASE("only what may be large or many is counted") {
  for (const auto& bytes : all_frames()) {
    const auto type = static_cast<int>(bytes.front());
    CHECK(is_counted(bytes) == (type == 3 || type == 13 || type == 21));
  }
  CHECK(is_counted(some_piece(1, 5, 0, "bytes")));
  CHECK_FALSE(is_counted(""));
}

TEST_CASE("a greeting reads back as what was said, with each of its flags") {
  auto sent = some_greeting();
  for (unsigned flags = 0; flags < 32; ++flags) {
    sent.sealed = (flags & 1) != 0;
    sent.settled = (flags & 2) != 0;
    sent.rejoining = (flags & 4) != 0;
    sent.has_data = (flags & 8) != 0;
    sent.founder = (flags & 16) != 0;
    const auto said = read_back<greeting_frame>(encode(sent));
    CHECK(said.hlc == 1);
    CHECK(said.line == 2);
    CHECK(said.last == 3);
    CHECK(said.sealed == sent.sealed);
    CHECK(said.settled == sent.settled);
    CHECK(said.rejoining == sent.rejoining);
    CHECK(said.has_data == sent.has_data);
    CHECK(said.founder == sent.founder);
    CHECK(said.merged_hlc == 4);
    CHECK(said.marked == 13);
    CHECK(said.identity == cluster_identity{14, 15});
    CHECK(said.runs == sent.runs);
    CHECK(said.receiver_runs == sent.receiver_runs);
  }
}

TEST_CASE("a greeting of no cluster is one, of one without a birth is none") {
  auto sent = some_greeting();
  sent.identity = {};
  CHECK_FALSE(read_back<greeting_frame>(encode(sent)).identity);
  sent.identity.id = 1;
  CHECK_FALSE(decode_frame(encode(sent)).has_value());
}

TEST_CASE("a mark reads back as what was said") {
  const mark_frame sent{1, 2, 3, 4, {{5, 6}, {7, 8}}};
  const auto said = read_back<mark_frame>(encode(sent));
  CHECK(said.acknowledged == 1);
  CHECK(said.at == 2);
  CHECK(said.view == 3);
  CHECK(said.wanted == 4);
  CHECK(said.merged == sent.merged);
}

TEST_CASE("the frames of repair read back as what was said") {
  const auto root =
      read_back<repair_root_frame>(encode(repair_root_frame{1, 2}));
  CHECK(root.round == 1);
  CHECK(root.root == 2);
  CHECK(read_back<repair_equal_frame>(encode(repair_equal_frame{3})).round
        == 3);

  const repair_ask_frame asked{4, repair_levels, {0, 5, 9}};
  const auto ask = read_back<repair_ask_frame>(encode(asked));
  CHECK(ask.round == 4);
  CHECK(ask.level == repair_levels);
  CHECK(ask.nodes == asked.nodes);

  const repair_hashes_frame answered{5, 1, {1, 2, 3}};
  const auto hashes = read_back<repair_hashes_frame>(encode(answered));
  CHECK(hashes.round == 5);
  CHECK(hashes.level == 1);
  CHECK(hashes.hashes == answered.hashes);

  const auto leaves = read_back<repair_leaves_frame>(encode(some_leaves));
  CHECK(leaves.round == 7);
  CHECK(leaves.reply_wanted);
  CHECK(leaves.line == 8);
  CHECK(leaves.leaves == some_leaves.leaves);

  const auto bytes = encode(repair_entries_frame{6, {{"k\n", "entry"}}});
  const auto entries = read_back<repair_entries_frame>(bytes);
  CHECK(entries.line == 6);
  REQUIRE(entries.items.size() == 1);
  CHECK(entries.items[0].key == "k\n");
  CHECK(entries.items[0].entry == "entry");
}

TEST_CASE("what repair never says is refused") {
  CHECK(decode_frame(encode(repair_ask_frame{1, 4, {1}})).has_error());
  CHECK(decode_frame(encode(repair_ask_frame{1, 1, {}})).has_error());
  CHECK(decode_frame(encode(repair_ask_frame{1, 1, {2, 1}})).has_error());
  CHECK(decode_frame(encode(repair_ask_frame{1, 1, {2, 2}})).has_error());
  std::vector<std::uint32_t> many(repair_nodes_max + 1);
  std::iota(many.begin(), many.end(), 0U);
  CHECK(decode_frame(encode(repair_ask_frame{1, 1, many})).has_error());
  CHECK(decode_frame(encode(repair_hashes_frame{1, 4, {}})).has_error());
  auto leaves = some_leaves;
  std::swap(leaves.leaves[0], leaves.leaves[1]);
  CHECK(decode_frame(encode(leaves)).has_error());
  leaves.leaves.clear();
  CHECK(decode_frame(encode(leaves)).has_error());
  CHECK(decode_frame(encode(repair_entries_frame{1, {{"k", ""}}})).has_error());
  CHECK(decode_frame(encode(repair_entries_frame{1, {}})).has_error());
}

TEST_CASE("a frame that is cut short or too long is refused whole") {
  for (const auto& bytes : all_frames()) {
    REQUIRE(decode_frame(bytes).has_value());
    for (std::size_t size = 0; size < bytes.size(); ++size)
      CHECK(decode_frame(std::string_view{bytes}.substr(0, size)).has_error());
    CHECK(decode_frame(bytes + 'x').has_error());
  }
}

TEST_CASE("what is longer than its type may be is refused unread") {
  CHECK(frame_limit(0) == 0);
  CHECK(frame_limit(3) == frame_bytes_max);
  CHECK(frame_limit(255) == 0);
  for (const auto& bytes : all_frames()) {
    const auto type = static_cast<std::uint8_t>(bytes.front());
    const auto limit = frame_limit(type);
    REQUIRE(limit > 0);
    if (limit == frame_bytes_max)
      continue;
    CHECK(limit == small_frame_bytes_max);
    const auto read = decode_frame(bytes + std::string(limit, '\0'));
    REQUIRE(read.has_error());
    CHECK(read.error().detail == "a frame is too large");
  }
}

TEST_CASE("more than a frame may say is left out when it is written") {
  members_frame many{
      std::vector<member>(frame_members_max + 1, some_members[0])};
  CHECK(read_back<members_frame>(encode(many)).known.size()
        == frame_members_max);
  many.known[0].address = std::string(280, 'a');
  many.known.assign(frame_members_max, many.known[0]);
  const auto bytes = encode(many);
  CHECK(bytes.size() <= small_frame_bytes_max);
  CHECK(read_back<members_frame>(bytes).known.size() > 200);

  auto greeting = some_greeting();
  greeting.runs.assign(runs_max + 1, {1, 1});
  greeting.runs.back() = {2, 2};
  greeting.receiver_runs = greeting.runs;
  const auto said = read_back<greeting_frame>(encode(greeting));
  CHECK(said.runs.size() == runs_max);
  CHECK(said.runs.back() == run_record{2, 2});
  CHECK(said.receiver_runs == said.runs);

  mark_frame mark;
  mark.merged.resize(frame_members_max + 1);
  CHECK(read_back<mark_frame>(encode(mark)).merged.size() == frame_members_max);
}

TEST_CASE("values that no sender writes are refused") {
  const auto with = [](std::string bytes, std::size_t at, char value) {
    bytes.at(at) = value;
    return bytes;
  };
  CHECK(decode_frame(with(encode(accept_frame{}), 1, 0)).has_error());
  CHECK(decode_frame(with(encode(accept_frame{}), 1, 2)).has_error());
  CHECK(decode_frame(with(encode(some_greeting()), 25, 32)).has_error());
  auto nobody = some_greeting();
  nobody.runs.clear();
  CHECK(decode_frame(encode(nobody)).has_error());
  auto zero = some_greeting();
  zero.receiver_runs[0].id = 0;
  CHECK(decode_frame(encode(zero)).has_error());
}

TEST_CASE("a frame that announces more than it holds allocates nothing") {
  std::string bytes(35, '\0');
  bytes[0] = 3;
  bytes.replace(31, 4, "\xff\xff\xff\xff");
  CHECK(decode_frame(bytes).has_error());

  std::string mark(35, '\xff');
  mark[0] = 7;
  CHECK(decode_frame(mark).has_error());
  for (const auto type : {'\x0b', '\x0c', '\x0d'}) {
    std::string announced(40, '\xff');
    announced[0] = type;
    announced[5] = 1; // reply_wanted, or the level
    CHECK(decode_frame(announced).has_error());
  }
  std::string members(3, '\xff');
  members[0] = 2;
  CHECK(decode_frame(members).has_error());
}

TEST_CASE("unknown types and frames that run backwards are refused") {
  for (unsigned type = 0; type < 256; ++type) {
    if (frame_limit(static_cast<std::uint8_t>(type)) > 0)
      continue;
    for (auto unknown : all_frames()) {
      unknown[0] = static_cast<char>(type);
      CHECK(decode_frame(unknown).has_error());
    }
  }
  CHECK(decode_frame("").has_error());
  auto bytes = some_changes();
  bytes[17] = 3; // upto
  CHECK(decode_frame(bytes).has_error());
}

TEST_CASE("only members concern the link") {
  for (const auto& bytes : all_frames())
    CHECK(is_link_frame(bytes) == (bytes[0] == 2));
  CHECK_FALSE(is_link_frame(""));
}

TEST_CASE("random bytes are refused or read, and never read past") {
  const auto seed = test::print_seed("frames");
  std::mt19937_64 random{seed};
  const auto frames = all_frames();
  for (int round = 0; round < 50'000; ++round) {
    auto bytes = frames[random() % frames.size()];
    for (auto flips = random() % 6; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    bytes.resize(random() % (bytes.size() + 1));
    const auto read = decode_frame(bytes);
    if (read && std::holds_alternative<changes_frame>(*read))
      for (const auto& item : std::get<changes_frame>(*read).items)
        REQUIRE(item.key.size() + item.entry.size() <= bytes.size());
  }
}
