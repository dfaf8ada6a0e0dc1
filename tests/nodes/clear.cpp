// Clear-alls on real nodes: many at once, at several nodes, beside writers.

#include "tests/nodes/load.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using namespace panal::test;
using std::chrono::seconds;

namespace {

constexpr int clients_per_node = 12;
constexpr int keys = 40;

/// What came of many clear-alls.
struct tally {
  std::atomic<int> flushed = 0;
  std::atomic<int> others = 0;
};

/// One client that clears again and again, and waits for the flush each time.
void clear_often(const endpoint& at, int times, tally& count) {
  http_client client{at};
  for (int i = 0; i < times; ++i) {
    const auto said = client.request("DELETE", "/cache?durability=sync");
    const bool is_flushed =
        said.status == 200 && said.header("panal-durability") == "sync";
    ++(is_flushed ? count.flushed : count.others);
  }
}

std::string key_of(int number) {
  return "k" + std::to_string(number);
}

} // namespace

TEST_CASE("clear-alls from many clients at two nodes all get a true answer") {
  cluster_setup setup;
  setup.nodes = 2;
  cluster nodes{setup};
  const auto ends = nodes.http_endpoints();
  const int times = static_cast<int>(scaled(40));
  tally count;
  std::vector<std::thread> clients;
  for (const auto& at : ends)
    for (int i = 0; i < clients_per_node; ++i)
      clients.emplace_back([&] { clear_often(at, times, count); });
  for (auto& client : clients)
    client.join();
  CHECK(count.others == 0);
  CHECK(count.flushed == 2 * clients_per_node * times);
  for (const auto& at : ends)
    CHECK(http_client{at}.request("GET", "/_health").status == 200);
}

TEST_CASE("after a clear-all nothing older shows at any shard of any node") {
  cluster nodes;
  const auto ends = nodes.http_endpoints();
  http_client first{ends[0]};
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    for (int i = 0; i < keys; ++i)
      REQUIRE(first.put(key_of(i), "1", 7).status == 200);
    REQUIRE(first.request("DELETE", "/cache").status == 200);
    // At the node that has answered it is so from the answer on.
    for (int i = 0; i < keys; ++i)
      REQUIRE(first.get(key_of(i)).status == 404);
    REQUIRE(first.put("kept", "2", round).status == 200);
    for (const auto& at : ends) {
      http_client other{at};
      CHECK(eventually(seconds{10}, [&] {
        return other.get("kept").version == round
               && other.get(key_of(0)).status == 404;
      }));
      for (int i = 0; i < keys; ++i)
        CHECK(other.get(key_of(i)).status == 404);
    }
    REQUIRE(first.remove("kept").status == 200);
  }
}
