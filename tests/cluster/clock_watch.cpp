#include "cluster/clock_watch.hpp"

#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <limits>
#include <map>
#include <random>
#include <vector>

using namespace panal;
using namespace std::chrono_literals;

namespace {

constexpr unix_ms start = 1'700'000'000'000;

/// Nodes 1 to n whose clocks are off by given times, and who send each other
/// heartbeats that take their time.
class watchers {
public:
  explicit watchers(const std::vector<std::int64_t>& off) {
    for (const auto ms : off)
      nodes.push_back({clock_watch{}, ms});
  }

  clock_watch& at(origin_id id) { return nodes.at(id - 1).watch; }
  unix_ms wall(origin_id id) const {
    return start + time + nodes.at(id - 1).off;
  }
  steady_time steady() const {
    return steady_time{1h} + std::chrono::milliseconds{time};
  }

  /// Time passes, a heartbeat of each node to each other every second.
  void run(std::int64_t ms) {
    for (const auto end = time + ms; time < end; ++time) {
      if (time % 1'000 == 0)
        beat();
      while (!wire.empty() && wire.begin()->first <= time) {
        const auto next = wire.begin()->second;
        wire.erase(wire.begin());
        at(next.to).heard(next.from, next.said, wall(next.to), steady());
      }
    }
  }

  struct node {
    clock_watch watch;
    std::int64_t off;
  };
  struct under_way {
    origin_id from;
    origin_id to;
    heartbeat_frame said;
  };

  std::vector<node> nodes;
  std::multimap<std::int64_t, under_way> wire;
  std::int64_t time = 0;
  /// How long a heartbeat takes.
  std::function<std::int64_t(origin_id from, origin_id to)> delay =
      [](origin_id, origin_id) { return 1; };

private:
  void beat() {
    for (origin_id from = 1; from <= nodes.size(); ++from)
      for (origin_id to = 1; to <= nodes.size(); ++to)
        if (from != to)
          wire.emplace(
              time + delay(from, to),
              under_way{from, to,
                        at(from).make_heartbeat(to, wall(from), steady())});
  }
};

std::int64_t offset_of(const clock_watch& watch, origin_id peer) {
  const auto sample = watch.best(peer);
  REQUIRE(sample.has_value());
  return sample->offset_ms;
}

} // namespace

TEST_CASE("three clocks are judged by their median") {
  watchers all{{0, 700, 61'000}};
  CHECK(all.at(1).state() == clock_state::ok);
  CHECK_FALSE(all.at(1).best(2).has_value());
  all.run(5'000);
  CHECK(offset_of(all.at(1), 2) == 700);
  CHECK(offset_of(all.at(1), 3) == 61'000);
  CHECK(offset_of(all.at(2), 1) == -700);
  CHECK(all.at(1).best(2)->round_trip_ms == 2);
  CHECK(all.at(1).distance_ms() == -700);
  CHECK(all.at(1).state() == clock_state::warn);
  CHECK(all.at(2).distance_ms() == 0);
  CHECK(all.at(2).state() == clock_state::ok);
  CHECK(all.at(3).distance_ms() == 60'300);
  CHECK(all.at(3).state() == clock_state::unsafe);
}

TEST_CASE("of an even number of clocks the mean of the middle two counts") {
  watchers two{{0, 2'000}};
  two.run(5'000);
  CHECK(two.at(1).distance_ms() == -1'000);
  CHECK(two.at(2).distance_ms() == 1'000);
  watchers four{{0, 100, 300, 9'000}};
  four.run(5'000);
  CHECK(four.at(1).distance_ms() == -200);
  CHECK(four.at(4).distance_ms() == 8'800);
}

TEST_CASE("a state ends only well below its bound") {
  watchers all{{0, 0, 0}};
  const auto state_at = [&](std::int64_t off) {
    all.nodes[0].off = off;
    all.run(20'000);
    CHECK(all.at(1).distance_ms() == off);
    return all.at(1).state();
  };
  CHECK(state_at(500) == clock_state::ok);
  CHECK(state_at(501) == clock_state::warn);
  CHECK(state_at(400) == clock_state::warn);
  CHECK(state_at(399) == clock_state::ok);
  CHECK(state_at(60'000) == clock_state::warn);
  CHECK(state_at(60'001) == clock_state::unsafe);
  CHECK(state_at(48'000) == clock_state::unsafe);
  CHECK(state_at(47'999) == clock_state::warn);
  CHECK(state_at(-60'001) == clock_state::unsafe);
  CHECK(state_at(-399) == clock_state::ok);
}

TEST_CASE("setting the own clock voids what was measured before") {
  watchers all{{0, 0, 0}};
  all.delay = [](origin_id, origin_id) { return 40; };
  all.run(20'500);
  CHECK(all.at(1).steps() == 0);
  for (const std::int64_t off : {-300, 90'000, -3'600'000, 0}) {
    all.run(510); // heartbeats are on their way
    all.nodes[0].off = off;
    const auto before = all.at(1).state();
    all.at(1).make_heartbeat(9, all.wall(1), all.steady());
    CHECK_FALSE(all.at(1).best(2).has_value());
    CHECK(all.at(1).state() == before);
    for (int i = 0; i < 30; ++i) {
      all.run(100);
      for (const auto peer : {origin_id{2}, origin_id{3}})
        if (const auto sample = all.at(1).best(peer))
          CHECK(sample->offset_ms == -off);
    }
    CHECK(offset_of(all.at(1), 2) == -off);
    CHECK(all.at(1).distance_ms() == off);
    all.run(490);
  }
  CHECK(all.at(1).steps() == 4);
  CHECK(all.at(2).steps() == 0);
}

TEST_CASE("a heartbeat that was sent before a step is no sample after it") {
  clock_watch watch;
  const auto sent = watch.make_heartbeat(2, start, steady_time{});
  watch.make_heartbeat(2, start - 300, steady_time{});
  CHECK(watch.steps() == 1);
  watch.heard(2, {start + 50, sent.sent_at, 0}, start, steady_time{300ms});
  CHECK_FALSE(watch.best(2).has_value());
}

TEST_CASE("a slowly corrected clock is no step") {
  clock_watch watch;
  for (int i = 0; i < 100; ++i)
    watch.make_heartbeat(2, start + i * 1'190,
                         steady_time{} + i * std::chrono::seconds{1});
  CHECK(watch.steps() == 0);
}

TEST_CASE("a peer's step shows with the next sample") {
  watchers all{{0, 0}};
  all.run(20'000);
  all.delay = [](origin_id, origin_id) { return 100; };
  all.nodes[1].off = 5'000;
  all.run(2'500);
  CHECK(std::abs(offset_of(all.at(1), 2) - 5'000) <= 100);
}

TEST_CASE("the error is half the round trip at most, however it is spread") {
  const auto seed = test::print_seed("clock watch");
  std::mt19937_64 random{seed};
  for (int round = 0; round < 50; ++round) {
    const auto off = static_cast<std::int64_t>(random() % 20'000) - 10'000;
    watchers all{{0, off}};
    all.delay = [&](origin_id from, origin_id) {
      return static_cast<std::int64_t>(random() % (from == 1 ? 900 : 90));
    };
    for (int i = 0; i < 20; ++i) {
      all.run(1'000);
      if (const auto sample = all.at(1).best(2))
        REQUIRE(std::abs(sample->offset_ms - off)
                <= sample->round_trip_ms / 2 + 1);
    }
    REQUIRE(all.at(1).best(2).has_value());
  }
}

TEST_CASE("the shortest of the last samples counts, for that long") {
  watchers all{{0, 0}};
  all.delay = [](origin_id from, origin_id) { return from == 1 ? 300 : 10; };
  all.run(10'000);
  CHECK(offset_of(all.at(1), 2) == 145);
  all.delay = [](origin_id, origin_id) { return 5; };
  all.run(2'000);
  all.delay = [](origin_id from, origin_id) { return from == 1 ? 300 : 10; };
  all.run(6'000);
  CHECK(offset_of(all.at(1), 2) == 0);
  all.run(4'000);
  CHECK(offset_of(all.at(1), 2) == 145);
}

TEST_CASE("samples that took too long or less than no time are none") {
  clock_watch watch;
  watch.make_heartbeat(2, start, steady_time{});
  const auto hear = [&](heartbeat_frame said, std::int64_t after) {
    watch.heard(2, said, start + after,
                steady_time{} + std::chrono::milliseconds{after});
    return watch.best(2).has_value();
  };
  CHECK_FALSE(hear({start, start, 0}, 2'001));
  CHECK_FALSE(hear({start, start, 3'000}, 2'900));
  CHECK_FALSE(hear({start, start + 1, 0}, 3'000));
  CHECK_FALSE(hear({start, 0, 0}, 3'000));
  CHECK(hear({start, start, 1'000}, 3'000));
}

TEST_CASE("readings that no clock shows are passed over") {
  clock_watch watch;
  watch.make_heartbeat(2, start, steady_time{});
  constexpr auto least = std::numeric_limits<unix_ms>::min();
  constexpr auto most = std::numeric_limits<unix_ms>::max();
  for (const auto sent_at : {least, unix_ms{-1}, unix_ms{0}, most})
    for (const auto echo : {least, unix_ms{0}, start, most})
      watch.heard(2, {sent_at, echo, ~0U}, start, steady_time{});
  CHECK_FALSE(watch.best(2).has_value());
  CHECK(watch.make_heartbeat(2, start, steady_time{}).echo == 0);
}

TEST_CASE("a heartbeat echoes the newest one heard and tells its age") {
  clock_watch watch;
  CHECK(watch.make_heartbeat(2, start, steady_time{}).echo == 0);
  watch.heard(2, {77, 0, 0}, start, steady_time{});
  watch.heard(2, {88, 0, 0}, start + 10, steady_time{10ms});
  const auto said = watch.make_heartbeat(2, start + 35, steady_time{35ms});
  CHECK(said.sent_at == start + 35);
  CHECK(said.echo == 88);
  CHECK(said.held_ms == 25);
  CHECK(watch.make_heartbeat(3, start + 35, steady_time{35ms}).echo == 0);
}

TEST_CASE("a link's end changes nothing, and the next link starts anew") {
  watchers all{{0, 700, 61'000}};
  all.run(5'000);
  auto& watch = all.at(3);
  REQUIRE(watch.state() == clock_state::unsafe);
  watch.gone(1);
  watch.gone(2);
  CHECK(watch.distance_ms() == 60'300);
  CHECK(watch.state() == clock_state::unsafe);
  const auto old = all.wall(3) - 500;
  CHECK(watch.make_heartbeat(1, all.wall(3), all.steady()).echo == 0);
  watch.heard(1, {old, old, 0}, all.wall(3), all.steady());
  CHECK(offset_of(watch, 1) == -61'000);
}

TEST_CASE("a member that is forgotten is not compared with") {
  watchers all{{0, 700, 61'000}};
  all.run(5'000);
  auto& watch = all.at(3);
  all.at(1).forget(3);
  CHECK(all.at(1).distance_ms() == -350);
  CHECK_FALSE(all.at(1).best(3).has_value());
  watch.forget(1);
  CHECK(watch.distance_ms() == 30'150);
  CHECK(watch.state() == clock_state::warn);
  watch.forget(2); // nobody is left: the last judgement stands
  CHECK(watch.distance_ms() == 30'150);
}

TEST_CASE(
    "after a step a peer that can not be measured is waited for a while") {
  watchers all{{0, 0, 0}};
  all.run(5'000);
  all.nodes[0].off = 120'000;
  all.delay = [](origin_id from, origin_id to) {
    return from + to == 3 ? 1 : 2'500;
  };
  all.run(4'000);
  REQUIRE(all.at(1).best(2).has_value());
  CHECK(all.at(1).state() == clock_state::ok);
  all.run(2'500);
  CHECK_FALSE(all.at(1).best(3).has_value());
  CHECK(all.at(1).distance_ms() == 60'000); // of two clocks
  CHECK(all.at(1).state() == clock_state::warn);
}
