// kill -9 at random moments under load: what was acknowledged is there, what
// was read is there, and what nobody wrote is not.

#include "tests/nodes/load.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// Reads keys at random and tells the recorder what it saw.
class readers {
public:
  readers(recorder& into, endpoint at, std::size_t keys_per_thread,
          std::uint64_t seed)
      : recorder_{into}, at_{std::move(at)}, keys_per_thread_{keys_per_thread} {
    for (std::size_t i = 0; i < 3; ++i)
      threads_.emplace_back([this, seed, i](const std::stop_token& stopping) {
        read(seed + i, stopping);
      });
  }
  void stop() { threads_.clear(); }
  std::size_t invented() const { return invented_.load(); }
  std::size_t lost() const { return lost_.load(); }
  std::size_t reads() const { return reads_.load(); }

private:
  void read(std::uint64_t seed, const std::stop_token& stopping) {
    std::mt19937_64 random{seed};
    http_client client{at_};
    while (!stopping.stop_requested()) {
      auto key = text("t", random() % 4, "-k", random() % keys_per_thread_);
      auto called = steady::now();
      auto got = client.get(key);
      if (got.status == 200 && !recorder_.saw(key, {got.version, got.value}))
        ++invented_;
      if (got.status == 404 && !recorder_.saw_nothing(key, called))
        ++lost_;
      if (got.status != 0)
        ++reads_;
      else
        std::this_thread::sleep_for(milliseconds{5});
    }
  }

  recorder& recorder_;
  endpoint at_;
  std::size_t keys_per_thread_;
  std::atomic<std::size_t> invented_{0};
  std::atomic<std::size_t> lost_{0};
  std::atomic<std::size_t> reads_{0};
  std::vector<std::jthread> threads_;
};

struct trial {
  const char* name;
  std::string durability = "disk";
  std::size_t rounds = 1;
  std::size_t keys_per_thread = 40;
  std::size_t value_bytes = 40;
  std::size_t writes_max = 1'500;
};

void survive_kills(const trial& what) {
  auto seed = test_seed(what.name);
  std::mt19937_64 random{seed};
  node_setup setup;
  setup.more = {"--durability=" + what.durability};
  node one{setup};
  one.start();
  recorder notes{milliseconds{0}};
  std::size_t reads = 0;
  for (std::size_t round = 0; round < what.rounds; ++round) {
    CAPTURE(round);
    load_setup writing;
    writing.nodes = {one.http()};
    writing.seed = seed + round;
    writing.value_bytes = what.value_bytes;
    load writers{notes, writing, own_keys(what.keys_per_thread, 1)};
    readers reading{notes, one.http(), what.keys_per_thread, seed + round};
    REQUIRE(writers.wait_for_more(1 + random() % what.writes_max));
    one.kill9();
    writers.stop();
    reading.stop();
    CHECK(reading.invented() == 0);
    CHECK(reading.lost() == 0);
    reads += reading.reads();
    one.start();
    CHECK(objections(notes, one.http()) == "");
  }
  auto totals = notes.count();
  std::printf("%s: %zu accepted, %zu refused, %zu open, %zu reads\n", what.name,
              totals.accepted, totals.refused, totals.open, reads);
  CHECK(totals.accepted > 0);
  CHECK(reads > 0);
}

} // namespace

TEST_CASE("kill -9 at any moment takes back nothing written or read") {
  survive_kills({.name = "kill -9, disk", .rounds = scaled(12)});
}

TEST_CASE("kill -9 at any moment takes back nothing with durability sync") {
  survive_kills(
      {.name = "kill -9, sync", .durability = "sync", .rounds = scaled(4)});
}

TEST_CASE("kill -9 takes back nothing that was read while it was written") {
  // Few keys and large values: most of the time some commit is under way, and
  // somebody asks for just what it writes.
  survive_kills({.name = "kill -9, read while written",
                 .durability = "sync",
                 .rounds = scaled(15),
                 .keys_per_thread = 1,
                 .value_bytes = 30'000,
                 .writes_max = 100});
}

TEST_CASE("kill -9 while the node starts leaves the data whole") {
  node one{{}};
  one.start();
  auto count = scaled(2'000);
  REQUIRE(put_many({one.http()}, "k-", count, 1) == 0);
  std::mt19937_64 random{test_seed("kill -9 at the start")};
  for (int round = 0; round < 10; ++round) {
    one.kill9();
    one.launch_only();
    auto wait = milliseconds{random() % 60};
    one.wait_event("serving", {}, wait);
  }
  one.kill9();
  one.start();
  auto client = one.client();
  std::size_t missing = 0;
  for (const auto& key : key_names("k-", count))
    if (client.get(key).status != 200)
      ++missing;
  CHECK(missing == 0);
}

TEST_CASE("what expired or was deleted does not come back after kill -9") {
  node one{{}};
  one.start();
  auto keys = key_names("k", 200);
  for (std::size_t round = 0; round < scaled(10); ++round) {
    CAPTURE(round);
    auto client = one.client();
    for (std::size_t i = 0; i < keys.size(); ++i) {
      REQUIRE(client.put(keys[i], "1", 9, i % 2 == 0 ? 20 : 0).status == 200);
      if (i % 2 == 1)
        REQUIRE(client.remove(keys[i]).status == 200);
    }
    // Some rounds end before the entries expire, so that the node finds them
    // expired when it starts; some find them swept.
    if (round % 2 == 0)
      REQUIRE(eventually(seconds{2},
                         [&] { return client.get(keys[198]).status == 404; }));
    one.kill9();
    one.start();
    REQUIRE(eventually(
        patience, [&] { return one.client().get(keys[198]).status == 404; }));
    for (const auto& left : get_many(one.http(), keys))
      REQUIRE(left.status == 404);
  }
}

TEST_CASE("a member that is killed -9 while its peers write misses nothing") {
  auto seed = test_seed("a member killed again and again");
  std::mt19937_64 random{seed};
  cluster nodes;
  recorder notes;
  load_setup setup;
  setup.nodes = {nodes[0].http(), nodes[1].http()};
  setup.seed = seed;
  // Large values: a commit takes a while, and a kill may well fall into it.
  setup.value_bytes = 15'000;
  load writers{notes, setup, own_keys(500, 2, 0.02)};
  for (std::size_t kill = 0; kill < scaled(12); ++kill) {
    REQUIRE(writers.wait_for_more(1 + random() % 100));
    nodes[2].kill9();
    nodes[2].start();
    CHECK(nodes.connected());
  }
  writers.stop();
  auto same = all_equal(nodes.http_endpoints(), notes.keys(), seconds{15});
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    CHECK(objections(notes, nodes[i].http()) == "");
}
