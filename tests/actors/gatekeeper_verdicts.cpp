// Whom a gatekeeper turns away although the secret fits: peers of another
// cluster, and those that the node has told it to refuse.

#include "actors/gatekeeper_refusals.hpp"
#include "tests/actors/gatekeeper_fixture.hpp"

using namespace panal;
using namespace panal::test;

namespace {

gatekeeper_config in_run(origin_id origin, std::string name,
                         std::uint64_t run) {
  auto config = config_of(origin, std::move(name));
  config.run = run;
  return config;
}

std::uint64_t refused(const node& x, verdict why) {
  return x.keeper.counts().refused(why);
}

} // namespace

TEST_CASE("both ends learn the run of the other, however it comes about") {
  node ant{in_run(1, "ant", 11)};
  node bee{in_run(2, "bee", 22)};
  ant.keeper.dial(bee.address());
  CHECK(ant.events.admitted().run == 22);
  CHECK(bee.events.admitted().run == 11);
  bee.keeper.dial(ant.address());
  CHECK(bee.events.introduced_run().run == 11);
  CHECK(ant.events.introduced_run().run == 22);
}

TEST_CASE("a run that is not given is drawn, each time another one") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  CHECK(ant.keeper.run() != 0);
  CHECK(ant.keeper.run() != bee.keeper.run());
  ant.keeper.dial(bee.address());
  CHECK(ant.events.admitted().run == bee.keeper.run());
}

TEST_CASE("a peer of another cluster is refused, whoever dials") {
  auto config = config_of(2, "bee");
  config.cluster_name = "bumblebees";
  node ant{1, "ant"};
  node bee{config};
  for (auto* pair : {&ant, &bee}) {
    auto& other = pair == &ant ? bee : ant;
    pair->keeper.dial(other.address());
    CHECK(pair->events.failure().reason == dial_failure::wrong_cluster);
  }
  CHECK(eventually([&] {
    return refused(ant, verdict::wrong_cluster) == 2
           && refused(bee, verdict::wrong_cluster) == 2;
  }));
  CHECK(ant.events.is_empty());
  CHECK(bee.events.is_empty());
}

TEST_CASE("a dialler hears that it is forgotten or copied, and is counted") {
  struct {
    verdict why;
    dial_failure heard;
  } const expected[] = {{verdict::forgotten, dial_failure::forgotten},
                        {verdict::copied, dial_failure::copied}};
  for (auto [why, heard] : expected) {
    CAPTURE(to_string(why));
    node ant{in_run(1, "ant", 11)};
    node bee{2, "bee"};
    std::uint64_t run = 0;
    SUBCASE("in any run") {}
    SUBCASE("in this one") {
      run = 11;
    }
    bee.keeper.refuse(1, run, why);
    ant.keeper.dial(bee.address());
    CHECK(ant.events.failure().reason == heard);
    auto refusal = ant.events.refused();
    CHECK(refusal.by == bee.keeper.self());
    CHECK(refusal.why == why);
    CHECK(eventually([&] { return refused(bee, why) == 1; }));
    // Who refuses has no reason to doubt itself.
    CHECK(bee.events.is_empty());
    CHECK(bee.keeper.counts().admitted == 0);
  }
}

TEST_CASE("a refusal of one run leaves the others alone, until it is lifted") {
  node ant{in_run(1, "ant", 11)};
  node bee{2, "bee"};
  bee.keeper.refuse(1, 12, verdict::copied);
  bee.keeper.refuse(3, 0, verdict::forgotten);
  check_admits(ant, bee);
  bee.keeper.refuse(1, 0, verdict::forgotten);
  ant.keeper.dial(bee.address());
  CHECK(ant.events.failure().reason == dial_failure::forgotten);
  CHECK(ant.events.refused().why == verdict::forgotten);
  bee.keeper.allow(1);
  check_admits(ant, bee);
}

TEST_CASE("the larger origin is refused too where it would be introduced") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  ant.keeper.refuse(2, 0, verdict::forgotten);
  bee.keeper.dial(ant.address());
  CHECK(bee.events.failure().reason == dial_failure::forgotten);
  CHECK(bee.events.refused().by == ant.keeper.self());
  CHECK(ant.events.is_empty());
}

TEST_CASE("a dialler that refuses the acceptor goes no further itself") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  ant.keeper.refuse(2, 0, verdict::forgotten);
  ant.keeper.dial(bee.address());
  CHECK(ant.events.failure().reason == dial_failure::closed);
  CHECK(eventually([&] { return bee.keeper.counts().closed == 1; }));
  CHECK(bee.keeper.counts().admitted == 0);
  CHECK(ant.events.is_empty());
  CHECK(bee.events.is_empty());
}

TEST_CASE("one origin in two runs is told to both, whoever dials") {
  node original{in_run(7, "ant", 1)};
  node copy{in_run(7, "copy", 2)};
  copy.keeper.dial(original.address());
  CHECK(copy.events.failure().reason == dial_failure::copied);
  auto heard = copy.events.refused();
  CHECK(heard.by == original.keeper.self());
  CHECK(heard.why == verdict::copied);
  CHECK(original.events.refused().by == copy.keeper.self());
  CHECK(copy.events.is_empty());
  CHECK(original.events.is_empty());
}

TEST_CASE("what comes to the port is counted") {
  auto config = config_of(2, "bee");
  config.handshake_timeout = 200ms;
  config.pending_max = 2;
  node bee{config};
  auto& counts = bee.keeper.counts();
  {
    node ant{1, "ant"};
    check_admits(ant, bee);
    CHECK(ant.keeper.counts().accepted == 0);
    CHECK(ant.keeper.counts().admitted == 1);
  }
  CHECK(counts.admitted == 1);
  CHECK(is_cut(connect_to(bee.port).get()));
  CHECK(eventually([&] { return counts.silent == 1; }));
  auto garbage = connect_to(bee.port);
  send_all(garbage.get(), "GET / HTTP/1.1\r\n\r\n");
  CHECK(is_cut(garbage.get()));
  connect_to(bee.port);
  CHECK(eventually([&] { return counts.closed == 1; }));
  auto first = connect_to(bee.port);
  auto second = connect_to(bee.port);
  auto third = connect_to(bee.port);
  CHECK(is_cut(first.get()));
  CHECK(counts.crowded == 1);
  CHECK(counts.refused(verdict::malformed) == 1);
  CHECK(counts.accepted == 7);
  CHECK(counts.tls_failed == 0);
}

TEST_CASE("the list of refusals is bounded, the oldest goes first") {
  gatekeeper_refusals list;
  const auto last = gatekeeper_refusals::entries_max + 1;
  for (origin_id origin = 1; origin <= last; ++origin)
    list.refuse(origin, 0, verdict::forgotten);
  CHECK_FALSE(list.find(1, 5).has_value());
  CHECK(list.find(2, 5) == verdict::forgotten);
  CHECK(list.find(last, 5) == verdict::forgotten);
  // What is said of a run comes before what is said of all.
  list.refuse(2, 5, verdict::copied);
  CHECK(list.find(2, 5) == verdict::copied);
  list.allow(2);
  CHECK_FALSE(list.find(2, 5).has_value());
}
