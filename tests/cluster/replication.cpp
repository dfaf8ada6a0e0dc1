// One node's changes on their way to a peer: recent_changes, outbound and
// inbound, over a transport that loses, repeats and reorders.

#include "cluster/frame.hpp"
#include "cluster/inbound.hpp"
#include "cluster/outbound.hpp"
#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <map>
#include <random>

using namespace panal;
using namespace std::chrono_literals;

namespace {

constexpr origin_id peer = 42;

change_batch_ptr batch_of(position first, std::size_t count,
                          origin_id source = own_change) {
  auto batch = std::make_shared<change_batch>();
  for (std::size_t i = 0; i < count; ++i) {
    auto& what = batch->changes.emplace_back();
    what.at = first + i;
    what.key = "key" + std::to_string(what.at);
    what.entry = "entry" + std::to_string(what.at);
    what.source = source;
    batch->bytes += what.key.size() + what.entry.size();
  }
  return batch;
}

/// One change of so many bytes.
change_batch_ptr batch_with(position at, std::size_t bytes) {
  auto batch = std::make_shared<change_batch>();
  batch->changes.push_back(
      {at, "key" + std::to_string(at), std::string(bytes, 'e'), own_change});
  batch->bytes = bytes;
  return batch;
}

steady_time at(std::chrono::milliseconds time) {
  return steady_time{} + time;
}

changes_frame read(const std::string& bytes) {
  return std::get<changes_frame>(*decode_frame(bytes));
}

} // namespace

TEST_CASE("recent changes are read by position across batches") {
  recent_changes recent{1'000'000};
  recent.add(batch_of(1, 3));
  recent.add(batch_of(4, 2));
  CHECK(recent.last() == 5);
  CHECK(recent.holds_after(0));
  const auto all = recent.read_after(0, 100, 100'000);
  CHECK(all.changes.size() == 5);
  CHECK(all.upto == 5);
  const auto some = recent.read_after(2, 2, 100'000);
  REQUIRE(some.changes.size() == 2);
  CHECK(some.changes[0]->at == 3);
  CHECK(some.upto == 4);
  CHECK(recent.read_after(5, 10, 10).changes.empty());
}

TEST_CASE("a read has at least one change, however large it is") {
  recent_changes recent{1'000'000};
  recent.add(batch_of(1, 3));
  CHECK(recent.read_after(0, 100, 1).changes.size() == 1);
}

TEST_CASE("memory for recent changes is bounded, and the oldest go first") {
  recent_changes recent{200};
  for (position p = 1; p <= 100; p += 5)
    recent.add(batch_of(p, 5));
  CHECK(recent.bytes() <= 200);
  CHECK_FALSE(recent.holds_after(0));
  CHECK(recent.holds_after(99));
  CHECK(recent.holds_after(100));
}

TEST_CASE("a node that has just started holds nothing of its past") {
  recent_changes recent{1'000};
  recent.start(50);
  CHECK_FALSE(recent.holds_after(49));
  CHECK(recent.holds_after(50));
  recent.add(batch_of(51, 2));
  CHECK(recent.holds_after(50));
  CHECK_FALSE(recent.holds_after(49));
}

TEST_CASE("a frame leaves out what the peer has told and what is local") {
  recent_changes recent{100'000};
  recent.add(batch_of(1, 1));
  recent.add(batch_of(2, 1, peer));
  recent.add(batch_of(3, 1, local_change));
  recent.add(batch_of(4, 1, peer + 1));
  outbound out{peer, 0, {}};
  const auto bytes = out.pack(recent.read_after(0, 10, 10'000), at(0ms));
  REQUIRE(bytes);
  const auto said = read(bytes->frame);
  CHECK(said.after == 0);
  CHECK(said.upto == 4);
  REQUIRE(said.items.size() == 2);
  CHECK(said.items[0].key == "key1");
  CHECK(said.items[1].key == "key4");
}

TEST_CASE("a cursor passes over what need not be sent") {
  recent_changes recent{100'000};
  recent.add(batch_of(1, 3, peer));
  outbound out{peer, 0, {}};
  CHECK_FALSE(out.pack(recent.read_after(0, 10, 10'000), at(0ms)));
  CHECK(out.acknowledged() == 3);
  recent.add(batch_of(4, 1));
  CHECK(out.pack(recent.read_after(3, 10, 10'000), at(0ms)));
  recent.add(batch_of(5, 1, peer));
  CHECK_FALSE(out.pack(recent.read_after(4, 10, 10'000), at(0ms)));
  CHECK(out.acknowledged() == 3); // position 4 is in flight
  CHECK(out.acknowledge(4, at(0ms)));
  CHECK(out.acknowledged() == 5);
}

TEST_CASE("frames follow one another over changes that are passed over") {
  recent_changes recent{100'000};
  recent.add(batch_of(1, 1));
  outbound out{peer, 0, {}};
  const auto first = out.pack(recent.read_after(0, 10, 10'000), at(0ms));
  recent.add(batch_of(2, 3, peer));
  CHECK_FALSE(out.pack(recent.read_after(1, 10, 10'000), at(0ms)));
  recent.add(batch_of(5, 1));
  const auto second = out.pack(recent.read_after(4, 10, 10'000), at(0ms));
  REQUIRE(first);
  REQUIRE(second);
  inbound in{1};
  for (const auto& bytes : {first->frame, second->frame}) {
    const auto said = read(bytes);
    in.resume(said.acknowledged);
    REQUIRE(in.follows(said.after));
    in.open(said.upto, 1);
  }
}

TEST_CASE("the window is bounded in frames and in bytes") {
  recent_changes recent{100'000};
  recent.add(batch_of(1, 10));
  outbound_config config;
  config.window_frames_max = 3;
  outbound frames{peer, 0, config};
  for (int i = 0; i < 3; ++i) {
    REQUIRE(frames.has_room());
    frames.pack(recent.read_after(frames.covered(), 1, 10'000), at(0ms));
  }
  CHECK_FALSE(frames.has_room());
  frames.acknowledge(1, at(0ms));
  CHECK(frames.has_room());
  config.window_bytes_max = 1;
  outbound bytes{peer, 0, config};
  bytes.pack(recent.read_after(0, 1, 10'000), at(0ms));
  CHECK_FALSE(bytes.has_room());
}

TEST_CASE("a window that is not acknowledged in time is sent again") {
  recent_changes recent{100'000};
  recent.add(batch_of(1, 2));
  outbound out{peer, 0, {}};
  out.pack(recent.read_after(0, 10, 10'000), at(0ms));
  CHECK_FALSE(out.is_stalled(at(5'000ms)));
  CHECK(out.is_stalled(at(5'010ms))); // and the time of a few bytes
  out.rewind();
  CHECK(out.covered() == 0);
  CHECK_FALSE(out.is_stalled(at(9'000ms)));
}

TEST_CASE("a window is waited for the longer the more is in flight") {
  recent_changes recent{1'000'000};
  recent.add(batch_with(1, 160'000));
  outbound_config config;
  config.rate_least = 16'000;
  outbound out{peer, 0, config};
  REQUIRE(out.pack(recent.read_after(0, 10, 10'000), at(0ms)));
  CHECK_FALSE(out.is_stalled(at(15'000ms)));
  CHECK(out.is_stalled(at(15'100ms)));
}

TEST_CASE("a large change is deferred, and its frame says by which stream") {
  recent_changes recent{1'000'000};
  recent.add(batch_of(1, 2));
  recent.add(batch_with(3, 100'000));
  recent.add(batch_of(4, 1));
  outbound out{peer, 0, {}};
  const auto packed = out.pack(recent.read_after(0, 10, 1'000'000), at(0ms), 7);
  REQUIRE(packed);
  const auto said = read(packed->frame);
  CHECK(said.upto == 4);
  CHECK(said.items.size() == 3);
  CHECK(said.first_stream == 7);
  CHECK(said.streams == 1);
  REQUIRE(packed->streams.size() == 1);
  const auto content = decode_stream(packed->streams[0]);
  REQUIRE(content.has_value());
  CHECK(std::get<deferred_frame>(*content).key == "key3");
  CHECK(std::get<deferred_frame>(*content).entry.size() == 100'000);
}

TEST_CASE("a large change without room ends the frame before it") {
  recent_changes recent{10'000'000};
  recent.add(batch_with(1, 700'000));
  recent.add(batch_of(2, 2));
  recent.add(batch_with(4, 700'000));
  recent.add(batch_of(5, 1));
  outbound_config config;
  config.deferred_bytes_max = 1'000'000;
  outbound out{peer, 0, config};
  const auto first = out.pack(recent.read_after(0, 10, 10'000'000), at(0ms));
  REQUIRE(first);
  CHECK(read(first->frame).upto == 3);
  CHECK_FALSE(out.has_room()); // for the next one
  CHECK(out.acknowledge(3, at(1ms)));
  REQUIRE(out.has_room());
  const auto second = out.pack(recent.read_after(3, 10, 10'000'000), at(2ms));
  REQUIRE(second);
  CHECK(read(second->frame).after == 3);
  CHECK(read(second->frame).upto == 5);
}

TEST_CASE("what is settled behind a deferred change makes room, and no more") {
  recent_changes recent{10'000'000};
  recent.add(batch_with(1, 700'000));
  outbound_config config;
  config.window_frames_max = 3;
  outbound out{peer, 0, config};
  REQUIRE(out.pack(recent.read_after(0, 10, 10'000'000), at(0ms)));
  for (position p = 2; p < 100; ++p) {
    recent.add(batch_of(p, 1));
    REQUIRE(out.has_room());
    const auto packed = out.pack(recent.read_after(p - 1, 1, 1'000), at(0ms));
    REQUIRE(packed);
    CHECK(read(packed->frame).after == p - 1);
    CHECK(read(packed->frame).acknowledged == 0);
    CHECK(out.acknowledge(0, at(1ms), p));
    CHECK(out.acknowledged() == 0);
    CHECK_FALSE(out.must_resend(at(10'000ms)));
  }
  CHECK(out.acknowledge(99, at(2ms)));
  CHECK(out.acknowledged() == 99);
  CHECK_FALSE(out.has_deferred());
}

TEST_CASE("a refusal is sent again after a pause, deferred changes too") {
  recent_changes recent{10'000'000};
  recent.add(batch_with(1, 700'000));
  outbound out{peer, 0, {}};
  REQUIRE(out.pack(recent.read_after(0, 10, 10'000'000), at(0ms)));
  CHECK(out.acknowledge(0, at(0ms), 0, true));
  CHECK_FALSE(out.must_resend(at(1'000ms)));
  CHECK(out.must_resend(at(1'001ms)));
  out.rewind();
  CHECK_FALSE(out.has_deferred());
  const auto again = out.pack(recent.read_after(0, 10, 10'000'000), at(0ms), 2);
  REQUIRE(again);
  CHECK(read(again->frame).first_stream == 2);
}

TEST_CASE("nothing from a deferred change on is acknowledged until it comes") {
  inbound in{1};
  const auto first = in.open(10, 1);
  in.defer(5, 2);
  const auto second = in.open(12, 1);
  CHECK_FALSE(in.done(second));
  CHECK(in.settled() == 0);
  CHECK_FALSE(in.done(first));
  CHECK(in.settled() == 12);
  CHECK(in.merged() == 0);
  CHECK_FALSE(in.arrived(7)); // nobody waits for it
  REQUIRE(in.arrived(6) == first);
  CHECK_FALSE(in.arrived(6)); // twice
  CHECK(in.settled() == 0);   // it has come, but is not durable
  CHECK_FALSE(in.done(first));
  CHECK(in.settled() == 12);
  REQUIRE(in.arrived(5) == first);
  CHECK(in.done(first) == position{12});
}

TEST_CASE("what a peer begins anew is not waited for any more") {
  inbound in{1};
  in.done(in.open(5, 1));
  in.open(10, 0);
  in.defer(1, 1);
  in.done(in.open(20, 1));
  CHECK_FALSE(in.is_begun_anew(20, 22)); // goes on
  CHECK_FALSE(in.is_begun_anew(10, 20)); // came twice
  CHECK_FALSE(in.is_begun_anew(0, 5));
  REQUIRE(in.is_begun_anew(5, 10));
  in.forget_open();
  CHECK_FALSE(in.arrived(1));
  CHECK_FALSE(in.follows(20));
  REQUIRE(in.follows(5));
  const auto again = in.open(10, 0);
  in.defer(2, 1);
  REQUIRE(in.arrived(2) == again);
  CHECK(in.done(again) == position{10});
}

TEST_CASE("an acknowledgement of what was never sent is refused") {
  outbound out{peer, 7, {}};
  CHECK_FALSE(out.acknowledge(8, at(0ms)));
  CHECK(out.acknowledged() == 7);
}

TEST_CASE("a frame is acknowledged when it and all before it are durable") {
  inbound in{1};
  const auto first = in.open(20, 2);
  const auto second = in.open(25, 1);
  CHECK_FALSE(in.done(second));
  CHECK_FALSE(in.done(first));
  const auto upto = in.done(first);
  REQUIRE(upto);
  CHECK(*upto == 25);
}

TEST_CASE("a frame behind a gap does not follow") {
  inbound in{1};
  in.resume(1'000); // a link starts at what an earlier one acknowledged
  CHECK(in.follows(1'000));
  CHECK_FALSE(in.follows(1'001));
  in.open(1'010, 1);
  CHECK(in.follows(1'010));
  CHECK(in.follows(1'005));
  CHECK_FALSE(in.follows(1'011));
}

TEST_CASE("after a failed merge only a repetition of it follows") {
  inbound in{1};
  in.done(in.open(10, 1));
  const auto second = in.open(20, 1);
  const auto third = in.open(30, 1);
  in.failed(second);
  CHECK_FALSE(in.done(third));
  CHECK_FALSE(in.follows(30));
  CHECK(in.follows(10));
}

TEST_CASE("a failure of a link's first frame lets it follow again") {
  inbound in{1};
  in.resume(500);
  in.failed(in.open(510, 1));
  CHECK(in.follows(500));
  CHECK_FALSE(in.follows(510));
}

TEST_CASE("tickets of an earlier link are not mistaken") {
  inbound old{1};
  const auto late = old.open(5, 1);
  inbound fresh{old.next_ticket()};
  fresh.open(5, 1);
  CHECK_FALSE(fresh.done(late));
}

TEST_CASE("every change arrives over a link that loses, repeats and reorders") {
  const auto seed = test::print_seed("lossy link");
  std::mt19937_64 random{seed};
  for (int round = 0; round < 50; ++round) {
    recent_changes recent{10'000'000};
    position next = 1;
    for (int i = 0; i < 40; ++i) {
      const auto count = 1 + random() % 20;
      recent.add(batch_of(next, count));
      next += count;
    }
    outbound_config config;
    config.frame_changes_max = 7;
    config.window_frames_max = 5;
    outbound out{peer, 0, config};
    inbound in{1};
    std::map<std::string, std::string> arrived;
    std::vector<std::string> on_the_way;
    std::vector<position> acks;
    auto time = 0ms;
    for (int step = 0; out.acknowledged() < recent.last(); ++step) {
      REQUIRE(step < 1'000'000);
      time += 1ms;
      if (out.is_stalled(at(time)))
        out.rewind();
      while (out.has_room() && out.covered() < recent.last())
        if (auto bytes =
                out.pack(recent.read_after(out.covered(), 7, 10'000), at(time)))
          on_the_way.push_back(std::move(bytes->frame));
      if (on_the_way.empty() && acks.empty()) {
        time += 5'000ms;
        continue;
      }
      if (!on_the_way.empty()) {
        const auto i = random() % std::min<std::size_t>(3, on_the_way.size());
        const auto bytes = on_the_way[i];
        if (random() % 4 != 0) // else it is repeated
          on_the_way.erase(on_the_way.begin() + static_cast<std::ptrdiff_t>(i));
        if (random() % 5 == 0)
          continue; // lost
        const auto said = read(bytes);
        in.resume(said.acknowledged);
        if (!in.follows(said.after))
          continue;
        const auto ticket = in.open(said.upto, 1);
        if (random() % 50 == 0) {
          in.failed(ticket);
          continue;
        }
        for (const auto& item : said.items)
          arrived[std::string{item.key}] = item.entry;
        if (const auto upto = in.done(ticket))
          acks.push_back(*upto);
      } else if (random() % 3 == 0) {
        acks.clear();
      } else {
        CHECK(out.acknowledge(acks.back(), at(time)));
        acks.pop_back();
      }
    }
    CHECK(arrived.size() == recent.last());
  }
}
