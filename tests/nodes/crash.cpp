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
  readers(recorder& into, endpoint at, std::size_t threads, std::uint64_t seed)
      : recorder_{into}, at_{std::move(at)} {
    for (std::size_t i = 0; i < threads; ++i)
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
      auto key = text("t", random() % 4, "-k", random() % 40);
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
  std::atomic<std::size_t> invented_{0};
  std::atomic<std::size_t> lost_{0};
  std::atomic<std::size_t> reads_{0};
  std::vector<std::jthread> threads_;
};

void survive_kills(const char* name, std::vector<std::string> more,
                   std::size_t rounds) {
  auto seed = test_seed(name);
  std::mt19937_64 random{seed};
  node_setup setup;
  setup.more = std::move(more);
  node one{setup};
  one.start();
  recorder notes{milliseconds{0}};
  std::size_t reads = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    CAPTURE(round);
    load_setup writing;
    writing.nodes = {one.http()};
    writing.seed = seed + round;
    load writers{notes, writing, own_keys(40, 1)};
    readers reading{notes, one.http(), 2, seed + round};
    REQUIRE(writers.wait_for_more(1 + random() % 1'500));
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
  std::printf("%s: %zu accepted, %zu refused, %zu open, %zu reads\n", name,
              totals.accepted, totals.refused, totals.open, reads);
  CHECK(totals.accepted > 0);
  CHECK(reads > 0);
}

} // namespace

TEST_CASE("kill -9 at any moment takes back nothing written or read") {
  survive_kills("kill -9, disk", {}, scaled(12));
}

TEST_CASE("kill -9 at any moment takes back nothing with durability sync") {
  survive_kills("kill -9, sync", {"--durability=sync"}, scaled(4));
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
  auto client = one.client();
  for (int i = 0; i < 200; ++i) {
    auto key = text("k", i);
    REQUIRE(client.put(key, "1", 9, i % 2 == 0 ? 1 : 0).status == 200);
    if (i % 2 == 1)
      REQUIRE(client.remove(key).status == 200);
  }
  REQUIRE(
      eventually(seconds{2}, [&] { return client.get("k198").status == 404; }));
  one.kill9();
  one.start();
  for (int i = 0; i < 200; ++i)
    CHECK(client.get(text("k", i)).status == 404);
  CHECK(client.put("k1", "2", 1).status == 200);
}
