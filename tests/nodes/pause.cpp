// A node that stops answering without going away: the others serve as before,
// notice it in time, and are equal with it once it goes on.

#include "tests/nodes/load.hpp"
#include "tests/nodes/page.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// A dead peer is to be noticed within 3 s; the rest is for a busy machine.
constexpr milliseconds noticed_within{3'000 + 1'500};

} // namespace

TEST_CASE("a stopped node is noticed in time and slows nobody down") {
  auto seed = test_seed("a stopped node");
  cluster nodes;
  recorder notes;
  load_setup setup;
  setup.nodes = {nodes[0].http(), nodes[1].http()};
  setup.seed = seed;
  load before{notes, setup, own_keys(100, 2)};
  REQUIRE(before.wait_for_more(500));
  auto line0 = nodes[0].program().line_count();
  auto line1 = nodes[1].program().line_count();

  auto stopped = steady::now();
  nodes[2].stop();
  before.stop();
  load during{notes, setup, own_keys(100, 2)};
  event_fields third{{"peer", "node3"}};
  CHECK(nodes[0].wait_event("peer_down", third, noticed_within, line0));
  CHECK(nodes[1].wait_event("peer_down", third, noticed_within, line1));
  auto noticed = steady::now() - stopped;
  CHECK(noticed < noticed_within);
  CHECK(during.wait_for_more(1'000));
  during.stop();
  CHECK(during.took().percentile(0.99) < milliseconds{500});
  std::printf("noticed after %lld ms, p99 of writes meanwhile %lld ms\n",
              static_cast<long long>(
                  std::chrono::duration_cast<milliseconds>(noticed).count()),
              static_cast<long long>(during.took().percentile(0.99).count()));

  // The two still see each other, and nobody saw the other go.
  CHECK(nodes[0].peers_up() == std::set<std::string>{"node2"});
  CHECK(nodes[1].peers_up() == std::set<std::string>{"node1"});

  // A client of the stopped node waits, and is answered once it goes on.
  auto line = connection::open(nodes[2].http());
  REQUIRE(line);
  REQUIRE(line->send(request_bytes("PUT", "/cache/late", put_body("1", 1))));
  std::string buffer;
  CHECK(read_response(*line, buffer, milliseconds{100}).status == 0);
  nodes[2].cont();
  CHECK(read_response(*line, buffer, patience).status == 200);
  CAPTURE(nodes.describe());
  CHECK(nodes.connected());
  auto keys = notes.keys();
  keys.push_back("late");
  auto same = all_equal(nodes.http_endpoints(), keys, seconds{10});
  CAPTURE(same.difference);
  CHECK(same.reached);
  CHECK(nodes[0].client().get("late").status == 200);
  CHECK(objections(notes, nodes[2].http()) == "");
}

TEST_CASE("one node serves on when all others have stopped") {
  auto seed = test_seed("all others stopped");
  cluster nodes;
  nodes[1].stop();
  nodes[2].stop();
  recorder notes;
  load_setup setup;
  setup.nodes = {nodes[0].http()};
  setup.seed = seed;
  load writers{notes, setup, own_keys(100, 1)};
  CHECK(nodes[0].wait_event("peer_down", {{"peer", "node2"}}, noticed_within));
  CHECK(nodes[0].wait_event("peer_down", {{"peer", "node3"}}, noticed_within));
  CHECK(writers.wait_for_more(200));
  writers.stop();
  CHECK(writers.took().percentile(0.99) < milliseconds{500});
  nodes[1].cont();
  nodes[2].cont();
  auto same = all_equal(nodes.http_endpoints(), notes.keys(), seconds{10});
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    CHECK(objections(notes, nodes[i].http()) == "");
}

TEST_CASE("a node that is stopped again and again loses nothing") {
  auto seed = test_seed("stopped again and again");
  std::mt19937_64 random{seed};
  cluster nodes;
  recorder notes;
  load_setup setup;
  setup.nodes = nodes.http_endpoints();
  setup.seed = seed;
  // Longer than any pause, so that the clients of a stopped node wait.
  setup.timeout = seconds{20};
  load writers{notes, setup, own_keys(50, 3)};
  for (std::size_t i = 0; i < scaled(20); ++i) {
    auto& victim = nodes[random() % 3];
    victim.stop();
    auto until = steady::now() + milliseconds{random() % 300};
    eventually(seconds{1}, [&] { return steady::now() > until; });
    victim.cont();
    CHECK(writers.wait_for_more(random() % 200));
  }
  writers.stop();
  auto same = all_equal(nodes.http_endpoints(), notes.keys(), seconds{10});
  CAPTURE(same.difference);
  CHECK(same.reached);
  for (std::size_t i = 0; i < nodes.size(); ++i)
    CHECK(objections(notes, nodes[i].http()) == "");
  CHECK(notes.count().open == 0);
}

TEST_CASE("a stopped node costs its peers no memory") {
  cluster nodes;
  // The same few keys all over again, each deleted before it is written: the
  // data set stays at 1 MB, while what a queue for the stopped node would hold
  // grows to 150 MB.
  const auto value = text('"', std::string(50'000, 'x'), '"');
  auto client = nodes[0].client();
  std::int64_t version = 0;
  auto write = [&](std::size_t count) {
    std::size_t failures = 0;
    for (std::size_t i = 0; i < count; ++i) {
      ++version;
      auto key = text("k", version % 20);
      if (version > 20 && client.remove(key).status != 200)
        ++failures;
      if (client.put(key, value, version).status != 200)
        ++failures;
    }
    return failures;
  };
  REQUIRE(write(200) == 0);
  nodes[2].stop();
  auto before = nodes[0].program().resident_bytes();
  REQUIRE(write(3'000) == 0);
  auto after = nodes[0].program().resident_bytes();
  std::printf("resident: %zu MB before, %zu MB after\n", before >> 20,
              after >> 20);
  CHECK(after < before + 60'000'000);
  nodes[2].cont();
  auto same =
      all_equal(nodes.http_endpoints(), key_names("k", 20), seconds{10});
  CAPTURE(same.difference);
  CHECK(same.reached);
  CHECK(nodes[2].client().get(text("k", version % 20)).version == version);
}

TEST_CASE("deletes while a node is stopped cost its peers a small record each, "
          "and nothing once it goes on") {
  constexpr std::int64_t count = 40'000;
  cluster nodes;
  const auto said = [&](std::size_t i, const char* name) {
    return page{nodes[i]}.number(name);
  };
  // What is bounded and kept anyway (the newest changes, pages of the database)
  // fills up with a round in which nobody is stopped.
  REQUIRE(put_many({nodes[0].http()}, "w", count, 1) == 0);
  REQUIRE(remove_many({nodes[0].http()}, "w", count) == 0);
  REQUIRE(put_many({nodes[0].http()}, "k", count, 1) == 0);
  REQUIRE(eventually(seconds{20}, [&] {
    return said(0, "keys") == count && said(1, "keys") == count
           && said(2, "keys") == count;
  }));
  nodes[2].stop();
  auto before = nodes[1].program().resident_bytes();
  REQUIRE(remove_many({nodes[0].http(), nodes[1].http()}, "k", count) == 0);
  REQUIRE(
      eventually(seconds{20}, [&] { return said(1, "tombstones") == count; }));
  CHECK(said(1, "keys") == 0);
  auto after = nodes[1].program().resident_bytes();
  std::printf("resident: %zu kB before, %zu kB after\n", before >> 10,
              after >> 10);
  // The entries were larger; what is queued or kept twice would show.
  CHECK(after < before + std::size_t{count} * 250);
  nodes[2].cont();
  CHECK(eventually(seconds{30}, [&] {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (said(i, "tombstones") != 0 || said(i, "keys") != 0)
        return false;
    return true;
  }));
}
