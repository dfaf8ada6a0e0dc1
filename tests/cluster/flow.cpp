// One link's credit, its queue, and what puts its pieces together again.

#include "cluster/flow_credit.hpp"
#include "cluster/frame.hpp"
#include "cluster/reassembly.hpp"
#include "cluster/send_queue.hpp"
#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <random>

using namespace panal;
using namespace std::chrono_literals;
using progress = reassembly::progress;

namespace {

steady_time at(std::chrono::milliseconds time) {
  return steady_time{} + time;
}

piece_frame read_piece(const std::string& bytes) {
  return std::get<piece_frame>(*decode_frame(bytes));
}

bool is_piece(const std::string& bytes) {
  return std::holds_alternative<piece_frame>(*decode_frame(bytes));
}

/// A frame of repair that takes about so many bytes.
std::string entries_of(std::size_t bytes, char fill = 'x') {
  const std::string entry(bytes, fill);
  return encode(repair_entries_frame{1, {{"key", entry}}});
}

std::string changes_of(std::size_t bytes) {
  const change what{1, "key", std::string(bytes, 'x'), own_change};
  const std::vector<const change*> sent{&what};
  return encode_changes(0, 0, 1, sent);
}

/// Lets a sender fill a link that carries `rate` bytes a second for a while.
/// @return what may be under way in the end.
std::size_t ahead_after(std::size_t rate, std::chrono::milliseconds delay,
                        std::chrono::seconds length) {
  flow_credit credit{{}};
  std::deque<std::pair<steady_time, std::uint64_t>> arrivals;
  auto free_at = at(0ms);
  for (auto now = at(0ms); now < at(length); now += 1ms) {
    while (!arrivals.empty() && arrivals.front().first <= now) {
      credit.received(arrivals.front().second, now);
      arrivals.pop_front();
    }
    while (credit.has_credit()) {
      const std::size_t bytes = 16'384;
      credit.sent(bytes, now);
      free_at = std::max(free_at, now)
                + std::chrono::microseconds{1'000'000 * bytes / rate};
      arrivals.emplace_back(free_at + delay, credit.sent());
    }
  }
  return credit.ahead();
}

} // namespace

TEST_CASE("credit is what was not yet received, up to a bound") {
  flow_config config;
  config.ahead_bytes = 1'000;
  flow_credit credit{config};
  REQUIRE(credit.has_credit());
  credit.sent(999, at(0ms));
  CHECK(credit.has_credit());
  credit.sent(5'000, at(0ms)); // one frame may go beyond
  CHECK_FALSE(credit.has_credit());
  credit.received(5'500, at(200ms));
  CHECK(credit.has_credit());
  CHECK(credit.under_way() == 499);
  CHECK(credit.moved_at() == at(200ms));
}

TEST_CASE("receipts that say less, or more than was sent, are no receipts") {
  flow_credit credit{{}};
  credit.sent(1'000, at(0ms));
  credit.received(600, at(1ms));
  credit.received(500, at(2ms));
  CHECK(credit.under_way() == 400);
  CHECK(credit.moved_at() == at(1ms));
  credit.received(1'000'000, at(3ms));
  CHECK(credit.under_way() == 0);
  CHECK(credit.sent() == 1'000);
}

TEST_CASE("a slow link has little under way, a fast one what keeps it busy") {
  const flow_config config;
  CHECK(ahead_after(64 * 1'024, 1ms, 30s) == config.ahead_bytes_min);
  CHECK(ahead_after(400'000, 1ms, 30s) <= 200'000);
  CHECK(ahead_after(100'000'000, 1ms, 10s) == config.ahead_bytes_max);
  // 10 MB/s and a tenth of a second: a megabyte is under way at least.
  const auto far = ahead_after(10'000'000, 90ms, 30s);
  CHECK(far >= 1'000'000);
  CHECK(far <= 8'000'000);
}

TEST_CASE("a peer that is busy for a while does not look like a slow link") {
  flow_credit credit{{}};
  auto now = at(0ms);
  const auto trip = [&](std::size_t bytes, std::chrono::milliseconds delay) {
    while (credit.has_credit())
      credit.sent(bytes, now);
    now += delay;
    credit.received(credit.sent(), now);
  };
  for (int i = 0; i < 10; ++i)
    trip(100'000, 10ms);
  CHECK(credit.ahead() == flow_config{}.ahead_bytes_max);
  trip(100'000, 800ms);
  CHECK(credit.ahead() >= flow_config{}.ahead_bytes_max / 4);
}

TEST_CASE("trips that take their time let more be sent as long as it comes") {
  flow_credit credit{{}};
  auto now = at(0ms);
  for (int i = 0; i < 10; ++i) {
    while (credit.has_credit())
      credit.sent(10'000, now);
    now += 200ms; // however much it is
    credit.received(credit.sent(), now);
  }
  CHECK(credit.ahead() == flow_config{}.ahead_bytes_max);
}

TEST_CASE("a late receipt for a few bytes says nothing of the link") {
  flow_credit credit{{}};
  for (int i = 1; i <= 100; ++i) {
    credit.sent(1'000, at(i * 1'000ms));
    credit.received(credit.sent(), at(i * 1'000ms + 900ms));
  }
  CHECK(credit.ahead() == flow_config{}.ahead_bytes);
}

TEST_CASE("frames leave in their order, as long as there is credit") {
  flow_config config;
  config.ahead_bytes = 1'000;
  send_queue queue{config};
  const auto a = changes_of(600);
  const auto b = changes_of(700);
  const auto c = changes_of(800);
  for (const auto& each : {a, b, c})
    queue.push({each, {}});
  CHECK(queue.next(at(0ms)) == a);
  CHECK(queue.next(at(0ms)) == b);
  CHECK_FALSE(queue.next(at(0ms)));
  CHECK(queue.unreceived() == a.size() + b.size() + c.size());
  queue.received(a.size(), at(150ms));
  CHECK(queue.next(at(1ms)) == c);
  CHECK_FALSE(queue.holds_repair());
}

TEST_CASE("a stream leaves in pieces behind its frame, frames between them") {
  flow_config config;
  config.ahead_bytes = config.ahead_bytes_max = 400'000;
  config.piece_bytes_min = config.piece_bytes_max = 10'000;
  send_queue queue{config};
  CHECK(queue.next_stream() == 1);
  std::string large(95'000, 'a');
  for (std::size_t i = 0; i < large.size(); ++i)
    large[i] = static_cast<char>('a' + i % 23);
  queue.push({changes_of(10), {large}});
  for (int i = 0; i < 60; ++i)
    queue.push({changes_of(1'000), {}});
  CHECK(queue.next_stream() == 2);
  std::string came;
  int run = 0;
  int frames = 0;
  REQUIRE_FALSE(is_piece(*queue.next(at(0ms))));
  while (const auto next = queue.next(at(0ms))) {
    if (!is_piece(*next)) {
      ++frames;
      CHECK(++run <= 10); // of 1,000 bytes: then it is a piece's turn
      continue;
    }
    run = 0;
    const auto piece = read_piece(*next);
    CHECK(piece.stream == 1);
    CHECK(piece.total == large.size());
    CHECK(piece.offset == came.size());
    CHECK(piece.bytes.size() <= 10'000);
    came += piece.bytes;
  }
  CHECK(frames == 60);
  CHECK(came == large);
  CHECK(queue.unreceived() == queue.credit().sent());
}

TEST_CASE("changes that were not sent are dropped, and repair goes on") {
  flow_config config;
  config.ahead_bytes = 100;
  send_queue queue{config};
  queue.push({changes_of(10), {std::string(200'000, 'x')}});
  REQUIRE(queue.push_repair(entries_of(100'000)));
  queue.push({changes_of(10), {}});
  REQUIRE(queue.next(at(0ms)));
  queue.received(queue.credit().sent(), at(1ms));
  REQUIRE(queue.next(at(1ms)));
  queue.drop_changes();
  queue.received(queue.credit().sent(), at(2ms));
  const auto next = queue.next(at(2ms));
  REQUIRE(next);
  CHECK(read_piece(*next).stream == 2);
  CHECK(read_piece(*next).offset == 0);
  CHECK(queue.holds_repair());
}

TEST_CASE("of repair so much waits, and one more however large it is") {
  flow_config config;
  config.ahead_bytes = 1;
  config.repair_bytes_max = 100'000;
  send_queue queue{config};
  CHECK(queue.push_repair(entries_of(50'000)));
  CHECK(queue.push_repair(entries_of(500'000)));
  CHECK_FALSE(queue.push_repair(entries_of(10)));
  CHECK(queue.unreceived() < 560'000);
  queue.reset();
  CHECK(queue.unreceived() == 0);
  CHECK(queue.next_stream() == 1);
  CHECK(queue.push_repair(entries_of(10)));
}

TEST_CASE("a link is stuck when something is under way and nothing moves") {
  send_queue queue{{}};
  CHECK_FALSE(queue.is_stuck(at(100'000ms)));
  queue.push({changes_of(1'000), {}});
  queue.push({changes_of(1'000), {}});
  REQUIRE(queue.next(at(100'000ms)));
  REQUIRE(queue.next(at(100'000ms)));
  CHECK_FALSE(queue.is_stuck(at(105'000ms)));
  CHECK(queue.is_stuck(at(105'001ms)));
  queue.be_patient(at(105'001ms));
  CHECK_FALSE(queue.is_stuck(at(110'000ms)));
  queue.received(10, at(110'000ms));
  CHECK_FALSE(queue.is_stuck(at(115'000ms)));
  CHECK(queue.is_stuck(at(115'001ms)));
  queue.received(100'000, at(115'002ms));
  CHECK_FALSE(queue.is_stuck(at(200'000ms)));
}

// -- reassembly

TEST_CASE("pieces of one stream become what was cut") {
  reassembly streams{1'000};
  CHECK(*streams.add(1, {1, 10, 0, "01234"}) == progress::unfinished);
  CHECK(streams.is_receiving(1));
  CHECK(*streams.add(2, {1, 3, 0, "abc"}) == progress::whole);
  CHECK(streams.take(2) == "abc");
  CHECK(*streams.add(1, {1, 10, 5, "56789"}) == progress::whole);
  CHECK(streams.take(1) == "0123456789");
  CHECK(streams.bytes() == 0);
  CHECK_FALSE(streams.is_receiving(1));
}

TEST_CASE("pieces that came twice change nothing, without one there is none") {
  reassembly streams{1'000};
  CHECK(*streams.add(1, {1, 6, 0, "01"}) == progress::unfinished);
  CHECK(*streams.add(1, {1, 6, 0, "01"}) == progress::unfinished);
  CHECK(*streams.add(1, {1, 6, 4, "45"}) == progress::stray);
  CHECK(*streams.add(1, {1, 6, 2, "23"}) == progress::unfinished);
  CHECK(*streams.add(1, {1, 6, 4, "45"}) == progress::whole);
  CHECK(streams.take(1) == "012345");
  CHECK(*streams.add(1, {1, 6, 4, "45"}) == progress::stray);
  CHECK(*streams.add(1, {3, 6, 2, "23"}) == progress::stray); // no beginning
  CHECK(streams.bytes() == 0);
}

TEST_CASE("a new stream of a peer ends its earlier one") {
  reassembly streams{1'000};
  CHECK(*streams.add(1, {1, 6, 0, "01"}) == progress::unfinished);
  CHECK(*streams.add(1, {2, 4, 0, "ab"}) == progress::unfinished);
  CHECK(streams.bytes() == 2);
  CHECK(*streams.add(1, {1, 6, 2, "2345"}) == progress::stray);
  CHECK(*streams.add(1, {2, 4, 2, "cd"}) == progress::whole);
  CHECK(streams.take(1) == "abcd");
}

TEST_CASE("a new link knows nothing of an unfinished stream") {
  reassembly streams{1'000};
  CHECK(*streams.add(1, {1, 4, 0, "01"}) == progress::unfinished);
  streams.reset(1);
  CHECK(streams.bytes() == 0);
  CHECK(*streams.add(1, {1, 4, 0, "ab"}) == progress::unfinished);
  CHECK(*streams.add(1, {1, 4, 2, "cd"}) == progress::whole);
  CHECK(streams.take(1) == "abcd");
}

TEST_CASE("streams over the bound and streams that change are refused") {
  reassembly streams{10};
  CHECK(streams.add(1, {1, 11, 0, "0"}).has_error());
  CHECK(streams.add(1, {1, UINT64_MAX, 0, "0"}).has_error());
  CHECK(*streams.add(1, {1, 10, 0, "0"}) == progress::unfinished);
  CHECK(streams.add(1, {1, 9, 1, "1"}).has_error());
}

TEST_CASE("all links share one bound, and the stream begun first goes on") {
  reassembly streams{10};
  CHECK(*streams.add(1, {1, 10, 0, "0123"}) == progress::unfinished);
  CHECK(*streams.add(2, {1, 6, 0, "abcd"}) == progress::unfinished);
  CHECK(*streams.add(3, {1, 6, 0, "ABC"}) == progress::given_up);
  CHECK(*streams.add(3, {1, 6, 3, "DEF"}) == progress::stray);
  CHECK(*streams.add(1, {1, 10, 4, "4567"}) == progress::unfinished);
  CHECK(streams.bytes() == 8);
  CHECK(*streams.add(2, {1, 6, 4, "ef"}) == progress::stray);
  CHECK(*streams.add(1, {1, 10, 8, "89"}) == progress::whole);
  CHECK(streams.take(1) == "0123456789");
  CHECK(*streams.add(2, {2, 6, 0, "abcdef"}) == progress::whole);
  CHECK(streams.take(2) == "abcdef");
}

TEST_CASE("an announced size takes no memory until its bytes come") {
  constexpr std::size_t huge = std::size_t{1} << 40;
  reassembly streams{huge};
  for (origin_id peer = 1; peer <= 100; ++peer)
    CHECK(*streams.add(peer, {1, huge, 0, "0"}) == progress::unfinished);
  CHECK(streams.bytes() == 100);
}

TEST_CASE("random pieces of many peers never make what no peer has sent") {
  const auto seed = test::print_seed("pieces");
  std::mt19937_64 random{seed};
  reassembly streams{4'000};
  std::map<origin_id, std::uint32_t> last;
  std::size_t whole = 0;
  for (int round = 0; round < 100'000; ++round) {
    const origin_id peer = 1 + random() % 3;
    auto& stream = last[peer];
    if (random() % 8 == 0)
      ++stream;
    const auto id = stream + 1;
    // All that a stream holds follows from its number and its peer.
    const std::string content(100 + 300 * (id % 3),
                              static_cast<char>('a' + (id + peer) % 26));
    const auto offset = 50 * (random() % (content.size() / 50));
    const auto added =
        streams.add(peer, {id, content.size(), offset,
                           std::string_view{content}.substr(offset, 50)});
    REQUIRE(added.has_value());
    CHECK(streams.bytes() <= 4'000);
    if (*added != progress::whole)
      continue;
    ++whole;
    REQUIRE(streams.take(peer) == content);
  }
  CHECK(whole > 100);
}
