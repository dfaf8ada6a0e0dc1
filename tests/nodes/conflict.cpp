// Conflicting writers on a few keys at all nodes at once: in the end all nodes
// hold the same, and each key what the promise allows: the highest version
// accepted after the last delete.

#include "tests/nodes/load.hpp"
#include "tests/nodes/proxy.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <random>

using namespace panal::test;
using std::chrono::seconds;

namespace {

constexpr std::size_t key_count = 24;

/// Checks that all nodes agree, and that the recorder allows what they say.
void check_outcome(const std::vector<endpoint>& nodes, const recorder& notes) {
  auto same = all_equal(nodes, notes.keys(), seconds{15});
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (const auto& at : nodes)
    CHECK(objections(notes, at) == "");
}

/// After the storm, operations whose order nobody can doubt: for each key a
/// delete at one node, then a low version at another.
void write_in_order(const std::vector<endpoint>& nodes, recorder& notes,
                    std::mt19937_64& random) {
  std::vector<http_client> clients;
  for (const auto& to : nodes)
    clients.emplace_back(to);
  for (std::size_t k = 0; k < key_count; ++k) {
    auto key = text("shared-", k);
    auto first = random() % nodes.size();
    auto removal = notes.remove_called(key, first);
    notes.answered(removal, clients[first].remove(key));
    if (k % 2 == 0)
      continue;
    auto second = random() % nodes.size();
    // Ordered for sure once the clocks' error has passed.
    auto ready = steady::now() + milliseconds{10};
    eventually(seconds{1}, [&] { return steady::now() > ready; });
    auto put = notes.put_called(key, second, 1, "\"last\"");
    notes.answered(put, clients[second].put(key, "\"last\"", 1));
  }
}

} // namespace

TEST_CASE("conflicting writers at three nodes end in one allowed state") {
  auto seed = test_seed("conflicting writers");
  cluster nodes;
  auto rounds = scaled(5);
  for (std::size_t round = 0; round < rounds; ++round) {
    CAPTURE(round);
    recorder notes;
    std::mt19937_64 random{seed + round};
    load_setup setup;
    setup.nodes = nodes.http_endpoints();
    setup.threads = 6;
    setup.seed = seed + round;
    // Each round has keys of its own.
    auto plan = shared_keys(key_count, 3, 12, milliseconds{8});
    auto named = [&](auto& r, std::size_t thread, std::int64_t step) {
      auto what = plan(r, thread, step);
      what.key = text("r", round, "-", what.key);
      return what;
    };
    load writers{notes, setup, named};
    REQUIRE(writers.wait_for_more(scaled(2'500)));
    writers.stop();
    check_outcome(setup.nodes, notes);
    auto totals = notes.count();
    std::printf("round %zu: %zu accepted, %zu refused, %zu open\n", round,
                totals.accepted, totals.refused, totals.open);
    CHECK(totals.accepted > 0);
    CHECK(totals.refused > 0);
    CHECK(totals.open == 0);
  }
}

TEST_CASE("a delete and a low version after the storm have the last word") {
  auto seed = test_seed("the last word");
  cluster nodes;
  recorder notes;
  std::mt19937_64 random{seed};
  load_setup setup;
  setup.nodes = nodes.http_endpoints();
  setup.threads = 6;
  setup.seed = seed;
  load writers{notes, setup, shared_keys(key_count, 3, 1'000, milliseconds{4})};
  REQUIRE(writers.wait_for_more(scaled(2'500)));
  writers.stop();
  REQUIRE(all_equal(setup.nodes, notes.keys(), seconds{15}).reached);
  write_in_order(setup.nodes, notes, random);
  check_outcome(setup.nodes, notes);
}

TEST_CASE("conflicting writers agree over links that are cut again and again") {
  auto seed = test_seed("cut links");
  std::mt19937_64 random{seed};
  // Everyone is reached through a relay only.
  std::vector<std::unique_ptr<proxy>> links;
  std::vector<std::unique_ptr<node>> nodes;
  std::vector<endpoint> http;
  for (int i = 0; i < 3; ++i) {
    links.push_back(std::make_unique<proxy>());
    node_setup setup;
    setup.id = text("node", i + 1);
    setup.clustered = true;
    setup.more = {"--cluster-advertise=" + links.back()->address().str()};
    if (i > 0)
      setup.join = {links.front()->address().str()};
    nodes.push_back(std::make_unique<node>(setup));
    nodes.back()->start();
    links.back()->forward_to(nodes.back()->cluster());
    http.push_back(nodes.back()->http());
  }
  for (const auto& one : nodes)
    REQUIRE(eventually(patience, [&] { return one->peers_up().size() == 2; }));

  recorder notes;
  load_setup setup;
  setup.nodes = http;
  setup.seed = seed;
  load writers{notes, setup, shared_keys(key_count, 3, 12, milliseconds{8})};
  auto cuts = scaled(25);
  for (std::size_t i = 0; i < cuts; ++i) {
    auto& link = *links[random() % links.size()];
    switch (random() % 3) {
    case 0:
      link.cut();
      break;
    case 1:
      link.hold(random() % 2 == 0);
      break;
    default:
      link.refuse(random() % 2 == 0);
      link.cut();
    }
    CHECK(writers.wait_for_more(random() % 150));
  }
  for (auto& link : links) {
    link->hold(false);
    link->refuse(false);
  }
  writers.stop();
  auto same = all_equal(http, notes.keys(), seconds{30});
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (const auto& at : http)
    CHECK(objections(notes, at) == "");
  CHECK(notes.count().open == 0);
  std::printf("equal %lld ms after the last cut\n",
              static_cast<long long>(same.took.count()));
}

TEST_CASE("a put under a deleted higher one lives, whatever is heard first") {
  // The merge rule's own example. Node 1 puts version 10, node 2 deletes it,
  // node 3, which has heard of neither, puts version 6. Then node 1 and 3
  // meet, and have both puts before they hear of the delete.
  cluster nodes;
  auto at = [&](std::size_t i) { return nodes[i].client(); };
  nodes[2].kill9();
  REQUIRE(at(0).put("k", "\"high\"", 10).status == 200);
  REQUIRE(
      all_equal({nodes[0].http(), nodes[1].http()}, {"k"}, patience).reached);
  nodes[0].kill9();
  REQUIRE(at(1).remove("k").status == 200);
  nodes[1].kill9();

  nodes[2].start();
  REQUIRE(at(2).get("k").status == 404);
  REQUIRE(at(2).put("k", "\"low\"", 6).status == 200);
  nodes[0].start();
  auto third = at(2);
  REQUIRE(eventually(patience, [&] { return third.get("k").version == 10; }));
  CHECK(at(0).get("k").version == 10);

  // Nothing but the merged state is left of what they have heard.
  nodes[0].restart();
  nodes[2].restart();
  CHECK(at(2).get("k").version == 10);
  nodes[1].start();
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CAPTURE(i);
    auto client = at(i);
    CHECK(eventually(patience,
                     [&] { return client.get("k").value == "\"low\""; }));
    CHECK(client.get("k").version == 6);
  }
}

TEST_CASE("an expired entry hides what is below it, at every node") {
  cluster nodes;
  nodes[1].kill9();
  nodes[2].kill9();
  REQUIRE(nodes[0].client().put("k", "\"high\"", 9, 3'000).status == 200);
  nodes[0].kill9();
  nodes[1].start();
  REQUIRE(nodes[1].client().put("k", "\"low\"", 5).status == 200);
  nodes[0].start();
  nodes[2].start();
  auto second = nodes[1].client();
  REQUIRE(eventually(patience, [&] { return second.get("k").version == 9; }));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    CAPTURE(i);
    auto client = nodes[i].client();
    CHECK(eventually(patience, [&] { return client.get("k").status == 404; }));
  }
  // Not now, and not after a restart.
  nodes[1].restart();
  for (std::size_t i = 0; i < nodes.size(); ++i)
    CHECK(nodes[i].client().get("k").status == 404);
}

TEST_CASE("both sides of a split take writes, and agree once it is over") {
  std::vector<std::unique_ptr<proxy>> links;
  std::vector<std::unique_ptr<node>> nodes;
  std::vector<endpoint> http;
  for (int i = 0; i < 2; ++i) {
    links.push_back(std::make_unique<proxy>());
    node_setup setup;
    setup.id = text("node", i + 1);
    setup.clustered = true;
    setup.more = {"--cluster-advertise=" + links.back()->address().str()};
    if (i > 0)
      setup.join = {links.front()->address().str()};
    nodes.push_back(std::make_unique<node>(setup));
    nodes.back()->start();
    links.back()->forward_to(nodes.back()->cluster());
    http.push_back(nodes.back()->http());
  }
  auto a = nodes[0]->client();
  auto b = nodes[1]->client();
  for (const char* key : {"higher", "deleted", "revived", "same"})
    REQUIRE(a.put(key, "\"start\"", 5).status == 200);
  REQUIRE(all_equal(http, {"higher", "deleted", "revived", "same"}, patience)
              .reached);
  for (auto& link : links) {
    link->refuse(true);
    link->cut();
  }
  REQUIRE(nodes[0]->wait_event("peer_down", {{"peer", "node2"}}, patience));

  REQUIRE(a.put("higher", "\"a\"", 9).status == 200);
  REQUIRE(b.put("higher", "\"b\"", 7).status == 200);
  REQUIRE(b.remove("deleted").status == 200);
  REQUIRE(a.put("revived", "\"a\"", 9).status == 200);
  REQUIRE(b.remove("revived").status == 200);
  auto ready = steady::now() + milliseconds{10};
  eventually(seconds{1}, [&] { return steady::now() > ready; });
  REQUIRE(b.put("revived", "\"b\"", 1).status == 200);
  REQUIRE(a.put("same", "\"a\"", 6).status == 200);
  REQUIRE(b.put("same", "\"b\"", 6).status == 200);
  // Neither side has heard of the other's.
  CHECK(a.get("deleted").status == 200);
  CHECK(b.get("higher").value == "\"b\"");

  for (auto& link : links)
    link->refuse(false);
  auto same =
      all_equal(http, {"higher", "deleted", "revived", "same"}, seconds{15});
  CAPTURE(same.difference);
  CHECK(same.reached);
  CHECK(eventually(patience, [&] { return b.get("higher").value == "\"a\""; }));
  CHECK(eventually(patience, [&] { return a.get("deleted").status == 404; }));
  CHECK(
      eventually(patience, [&] { return a.get("revived").value == "\"b\""; }));
  CHECK(all_equal(http, {"higher", "deleted", "revived", "same"}, seconds{15})
            .reached);
}
