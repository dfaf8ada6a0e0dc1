#include "cluster/repair.hpp"

#include "tests/cluster/repair_node.hpp"
#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace panal;
using namespace panal::test;
using namespace std::chrono_literals;

namespace {

/// Runs until node 1 has ended its n-th round.
bool run_rounds(repair_cluster& all, std::uint64_t n) {
  auto& work = all.at(1).work;
  return all.run(
      60s * static_cast<int>(n),
      [&] { return work.counters().rounds >= n && !work.is_under_way(); }, {1});
}

/// Gives all leaves of both trees the digests of many keys, without the keys.
void fill(repair_cluster& all, std::mt19937_64& random) {
  for (std::uint32_t leaf = 0; leaf < all.at(1).tree.leaves(); ++leaf) {
    const auto digest = random();
    for (auto& node : all.nodes)
      node.tree.add(leaf, digest);
  }
}

} // namespace

TEST_CASE("a round between equal nodes takes a few bytes") {
  repair_cluster all{2};
  std::mt19937_64 random{1};
  fill(all, random);
  REQUIRE(run_rounds(all, 1));
  CHECK(all.bytes <= 1'024);
  const auto& counted = all.at(1).work.counters();
  CHECK(counted.equal == 1);
  CHECK(counted.differences == 0);
  CHECK(counted.last_round.sent + counted.last_round.received == all.bytes);
  CHECK(all.at(1).work.equal_at(2) == all.now);
  CHECK(all.at(2).work.equal_at(1) == all.now);
  CHECK_FALSE(all.at(1).work.equal_at(3).has_value());
  MESSAGE("a round in sync: " << all.bytes << " bytes");
}

TEST_CASE("one difference in ten million keys is found for 3 KB") {
  constexpr std::size_t keys_in_a_leaf = 10'000'000 / 262'144;
  repair_cluster all{2};
  std::mt19937_64 random{2};
  fill(all, random);
  const auto leaf = all.at(1).leaf_of(1);
  std::size_t there = 0;
  for (std::uint64_t key = 1; there < keys_in_a_leaf; ++key) {
    if (all.at(1).leaf_of(key) != leaf)
      continue;
    ++there;
    all.at(1).put(key, 1);
    all.at(2).put(key, 1);
  }
  all.at(1).put(1, 2);

  std::size_t found_for = 0;
  std::size_t lists = 0;
  all.seen = [&](const sent_frame& frame) {
    if (static_cast<unsigned char>(frame.bytes[0]) == 12 && ++lists == 2)
      found_for = all.bytes;
  };
  REQUIRE(run_rounds(all, 1));
  CHECK(found_for > 0);
  CHECK(found_for <= 3'000);
  CHECK(all.at(1).work.counters().differences == 1);
  CHECK(all.at(1).work.counters().leaves == 1);
  CHECK(all.at(2).merged == 1);
  CHECK(all.at(1).line_heard == 2);
  CHECK(all.at(2).line_heard == 1);
  CHECK(all.at(1).tree.root() == all.at(2).tree.root());
  MESSAGE("one difference: " << found_for << " bytes");
}

TEST_CASE("nothing is repaired in an idle hour") {
  repair_cluster all{3};
  std::mt19937_64 random{3};
  fill(all, random);
  CHECK_FALSE(all.run(1h, [] { return false; }));
  std::uint64_t rounds = 0;
  for (auto& node : all.nodes) {
    const auto& counted = node.work.counters();
    CHECK(counted.rounds >= 3600 / 30 - 1);
    CHECK(counted.rounds <= 3600 / 10 + 1);
    CHECK(counted.rounds - counted.equal <= 1);
    CHECK(counted.differences == 0);
    CHECK(counted.vanished == 0);
    CHECK(counted.refused == 0);
    CHECK(node.lists == 0);
    rounds += counted.rounds;
  }
  CHECK(all.bytes <= rounds * 1'024);
}

TEST_CASE("a difference that goes away between the comparisons is left alone") {
  repair_cluster all{2};
  all.at(1).put(7, 1);
  REQUIRE(all.run(1min, [&] { return all.at(1).work.is_under_way(); }, {1}));
  all.step(1s, {1});
  REQUIRE(all.at(1).work.is_under_way());
  all.at(2).put(7, 1);
  REQUIRE(run_rounds(all, 1));
  CHECK(all.at(1).work.counters().vanished == 1);
  CHECK(all.at(1).work.counters().differences == 0);
  CHECK(all.at(1).lists + all.at(2).lists == 0);
}

TEST_CASE("the second comparison comes after the pause, not before") {
  repair_cluster all{2};
  all.at(1).put(7, 1);
  REQUIRE(all.run(1min, [&] { return all.at(1).work.is_under_way(); }, {1}));
  const auto began = all.now;
  REQUIRE(all.run(1min, [&] { return all.at(1).lists > 0; }, {1}));
  CHECK(all.now - began == repair_config{}.confirm_pause);
  CHECK(all.at(2).tree.root() == all.at(1).tree.root());
}

TEST_CASE("either side gets what it lacks") {
  repair_cluster all{2};
  all.at(1).put(1, 1);
  all.at(1).put(3, 5);
  all.at(2).put(2, 1);
  all.at(2).put(3, 4);
  REQUIRE(run_rounds(all, 1));
  CHECK(all.at(1).tree.root() == all.at(2).tree.root());
  CHECK(all.at(1).merged == 2); // the lower version of key 3 comes too
  CHECK(all.at(2).merged == 2);
  CHECK(all.at(1).work.counters().entries_sent == 2);
  CHECK(all.at(2).work.counters().entries_received == 2);
}

TEST_CASE("a thousand differences become none, some leaves a round") {
  const auto seed = print_seed("a thousand differences");
  std::mt19937_64 random{seed};
  repair_cluster all{2};
  for (int i = 0; i < 20'000; ++i) {
    const auto key = random();
    all.at(1).put(key, 1);
    all.at(2).put(key, 1);
  }
  for (int i = 0; i < 1'000; ++i)
    all.at(1 + random() % 2).put(random(), 1 + random() % 3);
  const auto equal = [&] {
    return all.at(1).tree.root() == all.at(2).tree.root();
  };
  REQUIRE(all.run(5min, equal, {1}));
  const auto& counted = all.at(1).work.counters();
  CHECK(counted.differences >= 1'000 / repair_config{}.leaves_max);
  CHECK(counted.differences <= 25);
  CHECK(counted.leaves <= counted.differences * repair_config{}.leaves_max);
  MESSAGE(counted.differences
          << " rounds in " << all.now.time_since_epoch() / 1s << " s, at most "
          << counted.max_round.sent << " bytes sent and "
          << counted.max_round.received << " received");
}

TEST_CASE("the bytes of a round and of a frame are bounded") {
  repair_config config;
  config.frame_bytes_max = 1'000;
  config.entries_bytes_max = 10'000;
  config.list_bytes_max = 400;
  repair_cluster all{2, config, 2};
  for (auto& node : all.nodes)
    node.entry_bytes = 300;
  for (std::uint64_t key = 0; key < 500; ++key)
    all.at(1 + key % 2).put(key, 1);
  std::map<origin_id, std::size_t> entries;
  all.seen = [&](const sent_frame& frame) {
    if (frame.bytes[0] == 13) {
      CHECK(frame.bytes.size() <= config.frame_bytes_max);
      entries[frame.from] += frame.bytes.size();
    } else if (frame.bytes[0] == 12) {
      CHECK(frame.bytes.size() <= 1'000);
    }
  };
  std::uint64_t n = 0;
  while (all.at(1).tree.root() != all.at(2).tree.root() && n < 200) {
    entries.clear();
    REQUIRE(run_rounds(all, ++n));
    CHECK(entries[1] <= config.entries_bytes_max);
    CHECK(entries[2] <= config.entries_bytes_max);
  }
  CHECK(n > 10);
  CHECK(n < 200);
  for (auto& node : all.nodes)
    CHECK(node.work.counters().refused == 0);
}

TEST_CASE("an entry larger than all bounds goes alone") {
  repair_config config;
  config.frame_bytes_max = 100;
  config.entries_bytes_max = 200;
  repair_cluster all{2, config, 1};
  all.at(1).entry_bytes = 1'000;
  for (std::uint64_t key = 0; key < 5; ++key)
    all.at(1).put(key, 1);
  const auto equal = [&] {
    return all.at(1).tree.root() == all.at(2).tree.root();
  };
  CHECK(all.run(5min, equal, {1}));
  CHECK(all.at(1).work.counters().differences == 5);
}

TEST_CASE("a round that hears nothing ends, and another one comes") {
  repair_cluster all{2};
  all.at(1).put(1, 1);
  auto& work = all.at(1).work;
  while (!work.is_under_way()) {
    all.now += 100ms;
    work.tick(all.now, all.peers_of(1));
  }
  const auto began = all.now;
  while (work.is_under_way()) {
    all.now += 100ms;
    work.tick(all.now, all.peers_of(1));
  }
  CHECK(all.now - began == repair_config{}.quiet_max);
  CHECK(work.counters().broken_off == 1);
  all.wire.clear();
  REQUIRE(run_rounds(all, 2));
  CHECK(work.counters().differences == 1);
}

TEST_CASE("a round ends with its link") {
  repair_cluster all{2};
  all.at(1).put(1, 1);
  REQUIRE(all.run(1min, [&] { return all.at(1).work.is_under_way(); }, {1}));
  all.at(1).work.gone(3, all.now);
  CHECK(all.at(1).work.is_under_way());
  all.at(1).work.gone(2, all.now);
  CHECK_FALSE(all.at(1).work.is_under_way());
}

TEST_CASE("no round begins with nobody, or before its time") {
  repair_cluster all{2};
  auto& work = all.at(1).work;
  for (auto time = 0ms; time < 1h; time += 1s)
    work.tick(steady_time{} + time, {});
  CHECK(work.counters().rounds == 0);
  work.tick(steady_time{} + 1h, all.peers_of(1));
  CHECK(work.counters().rounds == 1);
  for (auto time = 0ms; time < 1h; time += 1s)
    work.tick(steady_time{} + 1h, all.peers_of(1));
  CHECK(work.counters().rounds == 1);
}

TEST_CASE("a peer is answered at a bounded rate, and the others still are") {
  repair_cluster all{3};
  auto& work = all.at(1).work;
  const auto ask = [&](origin_id from) {
    work.came(from, repair_root_frame{1, 1}, 13, all.now);
    work.came(from, repair_ask_frame{1, 1, {0}}, 12, all.now);
  };
  all.now += 1s;
  for (int i = 0; i < 100; ++i)
    ask(2);
  const auto most = repair_config{}.answers_per_second_max;
  CHECK(all.wire.size() == most);
  CHECK(work.counters().throttled == 200 - most);
  ask(3);
  CHECK(all.wire.size() == most + 2);
  all.now += 1s;
  ask(2);
  CHECK(all.wire.size() == most + 4);
}

TEST_CASE("asks beyond the tree are refused") {
  repair_cluster all{2, {}, 2};
  auto& work = all.at(1).work;
  work.came(2, repair_ask_frame{1, 0, {1}}, 12, all.now);
  work.came(2, repair_ask_frame{1, 1, {4}}, 12, all.now);
  work.came(2, repair_ask_frame{1, 2, {16}}, 12, all.now);
  work.came(2, repair_ask_frame{1, 3, {64}}, 12, all.now);
  work.came(2, repair_ask_frame{1, 3, {~0U}}, 12, all.now);
  work.came(2, repair_leaves_frame{1, true, 0, {{64, {}}}}, 12, all.now);
  CHECK(all.wire.empty());
  CHECK(work.counters().refused == 6);
  work.came(2, repair_ask_frame{1, 3, {63}}, 12, all.now);
  CHECK(all.wire.size() == 1);
}

TEST_CASE("what nobody has asked for is refused at any time") {
  const std::vector<frame> unasked{
      repair_equal_frame{0},
      repair_hashes_frame{0, 0, std::vector<std::uint64_t>(64)},
      repair_leaves_frame{0, false, 0, {{1, {{1, 1}}}}},
  };
  repair_cluster all{3};
  all.at(1).put(1, 1);
  auto& work = all.at(1).work;
  std::uint64_t sent = 0;
  const auto send_all = [&](origin_id from) {
    for (const auto& said : unasked) {
      CHECK(work.came(from, said, 1, all.now));
      CHECK(work.counters().refused == ++sent);
    }
  };
  send_all(2);
  work.came(2, repair_entries_frame{0, {{"5", "5"}}}, 20, all.now);
  CHECK(work.counters().refused == ++sent);
  CHECK(all.at(1).merged == 0);
  // In every phase of a round, by the peer and by another.
  all.seen = [&](const sent_frame& frame) {
    if (frame.to != 1)
      return;
    send_all(2);
    send_all(3);
  };
  REQUIRE(run_rounds(all, 1));
  all.seen = nullptr;
  CHECK(sent > 20);
  CHECK(work.counters().broken_off == 0);
  CHECK(work.counters().differences + work.counters().vanished == 1);
  work.listed(12'345, {}, all.now);
  work.reconciled(12'345, {}, false, all.now);
  CHECK_FALSE(work.came(2, ack_frame{1, 0}, 17, all.now));
}

TEST_CASE("a late answer of an earlier round is no answer") {
  repair_cluster all{2};
  all.at(1).put(1, 1);
  std::vector<sent_frame> old;
  all.seen = [&](const sent_frame& frame) {
    if (frame.to == 1)
      old.push_back(frame);
  };
  REQUIRE(run_rounds(all, 1));
  all.at(1).put(1, 2);
  all.seen = [&](const sent_frame& frame) {
    if (frame.to == 1)
      for (const auto& late : old)
        all.hand_over(late);
  };
  REQUIRE(run_rounds(all, 2));
  CHECK(all.at(1).work.counters().differences == 2);
  CHECK(all.at(1).work.counters().refused >= old.size());
  CHECK(all.at(1).tree.root() == all.at(2).tree.root());
}

TEST_CASE("entries are taken up to a round's bound and for a while only") {
  repair_config config;
  config.entries_bytes_max = 1'000;
  repair_cluster all{2, config, 2};
  auto& work = all.at(1).work;
  const auto take = [&] {
    const auto before = all.at(1).merged;
    work.came(2, repair_entries_frame{0, {{"5", "5"}}}, 400, all.now);
    return all.at(1).merged > before;
  };
  CHECK_FALSE(take());
  const auto expect = [&] {
    work.came(2, repair_leaves_frame{1, true, 0, {{1, {}}}}, 30, all.now);
  };
  expect();
  CHECK(take());
  CHECK(take());
  CHECK(take());
  CHECK_FALSE(take());
  expect();
  all.now += config.quiet_max + 1ms;
  CHECK_FALSE(take());
  expect();
  work.gone(2, all.now);
  CHECK_FALSE(take());
}

TEST_CASE("leaves that stay different do not stand before the others") {
  repair_config config;
  config.leaves_max = 2;
  repair_cluster all{2, config, 2};
  std::mt19937_64 random{5};
  // Leaves 0 to 7 differ in digests of no key: they can not be repaired.
  for (std::uint32_t leaf = 0; leaf < 8; ++leaf)
    all.at(1).tree.add(leaf, random());
  std::uint64_t key = 0;
  while (all.at(1).leaf_of(key) < 32)
    ++key;
  all.at(1).put(key, 1);
  CHECK(all.run(5min, [&] { return all.at(2).merged > 0; }, {1}));
}
