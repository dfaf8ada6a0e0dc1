#include "cluster/commit_quorum.hpp"

#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <tuple>
#include <vector>

using namespace panal;
using namespace std::chrono_literals;

namespace {

using answer = std::tuple<std::uint64_t, std::size_t, bool>;

constexpr steady_time now{};
constexpr auto later = now + 1s;

std::vector<answer> done(commit_quorum& quorum, steady_time time = now) {
  std::vector<answer> found;
  for (const auto& what : quorum.take_done(time))
    found.emplace_back(what.ticket, what.members_reached, what.in_time);
  return found;
}

using answers = std::vector<answer>;

} // namespace

TEST_CASE("a write is done when as many members have it as are needed") {
  commit_quorum quorum;
  REQUIRE(quorum.add(1, 10, 2, later));
  REQUIRE(quorum.add(2, 20, 2, later));
  REQUIRE(quorum.add(3, 20, 3, later));
  CHECK(done(quorum).empty());
  quorum.reached(7, 9);
  CHECK(done(quorum).empty());
  quorum.reached(7, 10);
  CHECK(done(quorum) == answers{{1, 2, true}});
  CHECK(done(quorum).empty());
  quorum.reached(8, 25);
  CHECK(done(quorum) == answers{{2, 2, true}});
  quorum.reached(7, 25);
  CHECK(done(quorum) == answers{{3, 3, true}});
  CHECK(quorum.waiting() == 0);
}

TEST_CASE("this node counts as one member") {
  commit_quorum quorum;
  REQUIRE(quorum.add(1, 10, 1, later));
  REQUIRE(quorum.add(2, 10, 0, later));
  CHECK(done(quorum) == answers{{2, 1, true}, {1, 1, true}});
}

TEST_CASE("what is reached already is done at once") {
  commit_quorum quorum;
  quorum.reached(7, 100);
  REQUIRE(quorum.add(1, 50, 2, later));
  CHECK(done(quorum) == answers{{1, 2, true}});
}

TEST_CASE("a peer that goes backwards or repeats itself changes nothing") {
  commit_quorum quorum;
  quorum.reached(7, 10);
  quorum.reached(7, 5);
  REQUIRE(quorum.add(1, 10, 2, later));
  REQUIRE(quorum.add(2, 10, 3, later));
  CHECK(done(quorum) == answers{{1, 2, true}});
  quorum.reached(7, 10);
  quorum.reached(7, 10);
  CHECK(done(quorum, later) == answers{{2, 2, false}});
}

TEST_CASE("more members than there are are waited for until the deadline") {
  commit_quorum quorum;
  REQUIRE(quorum.add(1, 10, 5, later));
  quorum.reached(7, 10);
  quorum.reached(8, 9);
  CHECK(done(quorum, later - 1ms).empty());
  CHECK(quorum.next_deadline() == later);
  CHECK(done(quorum, later) == answers{{1, 2, false}});
  CHECK_FALSE(quorum.next_deadline().has_value());
  CHECK(done(quorum, later).empty());
  REQUIRE(quorum.add(2, 0, 5, later)); // before all changes
  CHECK(done(quorum).empty());
}

TEST_CASE("deadlines pass in their order, and what is reached was in time") {
  commit_quorum quorum;
  REQUIRE(quorum.add(1, 10, 3, now + 30ms));
  REQUIRE(quorum.add(2, 11, 3, now + 10ms));
  REQUIRE(quorum.add(3, 12, 2, now + 20ms));
  REQUIRE(quorum.add(4, 13, 2, now + 40ms));
  CHECK(quorum.next_deadline() == now + 10ms);
  quorum.reached(7, 12);
  CHECK(done(quorum, now + 30ms)
        == answers{{3, 2, true}, {2, 2, false}, {1, 2, false}});
  CHECK(quorum.waiting() == 1);
}

TEST_CASE("a member that is forgotten does not count, nor what it said") {
  commit_quorum quorum;
  quorum.reached(7, 10);
  quorum.reached(8, 10);
  quorum.forget(7);
  quorum.forget(9);
  REQUIRE(quorum.add(1, 10, 3, later));
  CHECK(done(quorum).empty());
  quorum.reached(7, 4); // it has come back, and from the start
  CHECK(done(quorum).empty());
  quorum.reached(7, 10);
  CHECK(done(quorum) == answers{{1, 3, true}});
}

TEST_CASE("no more wait than may, and no ticket twice") {
  commit_quorum quorum{2};
  CHECK(quorum.add(1, 10, 2, later));
  CHECK_FALSE(quorum.add(1, 11, 2, later));
  CHECK(quorum.add(2, 10, 2, later));
  CHECK_FALSE(quorum.add(3, 10, 2, later));
  quorum.reached(7, 10);
  CHECK(done(quorum) == answers{{1, 2, true}, {2, 2, true}});
  CHECK(quorum.add(3, 10, 2, later));
}

TEST_CASE("random writes and commits end as counting one by one says") {
  const auto seed = test::print_seed("commit quorum");
  std::mt19937_64 random{seed};
  struct waiting {
    position at;
    std::size_t members;
    steady_time deadline;
  };
  commit_quorum quorum{100};
  std::map<std::uint64_t, waiting> model;
  std::map<origin_id, position> peers;
  auto time = now;
  for (std::uint64_t ticket = 1; ticket < 20'000; ++ticket) {
    const waiting next{ticket + random() % 8, random() % 6,
                       time + std::chrono::milliseconds{random() % 40}};
    const bool added = quorum.add(ticket, next.at, next.members, next.deadline);
    REQUIRE(added == (model.size() < 100));
    if (added)
      model.emplace(ticket, next);
    const auto peer = random() % 4;
    if (random() % 500 == 0) {
      quorum.forget(peer);
      peers.erase(peer);
    } else {
      const auto upto = ticket + 4 - std::min<position>(ticket, random() % 20);
      quorum.reached(peer, upto);
      peers[peer] = std::max(peers[peer], upto);
    }
    time += std::chrono::milliseconds{random() % 3};
    for (const auto& [got, members, in_time] : done(quorum, time)) {
      const auto i = model.find(got);
      REQUIRE(i != model.end());
      std::size_t have = 1;
      for (const auto& [who, upto] : peers)
        have += upto >= i->second.at ? 1U : 0U;
      REQUIRE(members == have);
      REQUIRE(in_time == (have >= i->second.members));
      REQUIRE((in_time || i->second.deadline <= time));
      model.erase(i);
    }
    for (const auto& [left, what] : model) {
      std::size_t have = 1;
      for (const auto& [who, upto] : peers)
        have += upto >= what.at ? 1U : 0U;
      REQUIRE(have < what.members);
      REQUIRE(what.deadline > time);
    }
    REQUIRE(quorum.waiting() == model.size());
  }
}
