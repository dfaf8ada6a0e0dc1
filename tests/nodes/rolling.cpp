// All nodes are restarted one after the other while clients write to all of
// them: nothing that was acknowledged is lost.

#include "tests/nodes/load.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// Restarts each node under load, by `end`, and checks what is left.
template <class End>
void roll(const char* name, End end) {
  auto seed = test_seed(name);
  cluster nodes;
  recorder notes;
  load_setup setup;
  setup.nodes = nodes.http_endpoints();
  setup.seed = seed;
  load writers{notes, setup, own_keys(60, 3)};
  auto rounds = scaled(2);
  for (std::size_t round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      CAPTURE(nodes[i].id());
      REQUIRE(writers.wait_for_more(200));
      end(nodes[i]);
      // The others go on while it is away.
      REQUIRE(writers.wait_for_more(50));
      nodes[i].start();
      CAPTURE(nodes.describe());
      CHECK(nodes.connected());
    }
  writers.stop();
  auto same = all_equal(setup.nodes, notes.keys(), seconds{15});
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (const auto& at : setup.nodes)
    CHECK(objections(notes, at) == "");
  auto totals = notes.count();
  std::printf("%s: %zu accepted, %zu refused, %zu open\n", name,
              totals.accepted, totals.refused, totals.open);
  CHECK(totals.accepted > 500 * rounds);
}

} // namespace

TEST_CASE("a rolling restart under load loses nothing") {
  roll("rolling restart", [](node& one) {
    auto ended = one.terminate();
    REQUIRE(ended);
    CHECK(ended->code == 0);
  });
}

TEST_CASE("a rolling kill -9 under load loses nothing") {
  roll("rolling kill -9", [](node& one) { one.kill9(); });
}
