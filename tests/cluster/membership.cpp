#include "cluster/membership.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

using namespace panal;
using namespace std::chrono_literals;

namespace {

const member self{10, "self", "127.0.0.1:10"};
const member peer_a{20, "a", "127.0.0.1:20"};
const member peer_b{30, "b", "127.0.0.1:30"};

steady_time at(std::chrono::milliseconds time) {
  return steady_time{} + time;
}

membership fresh(const std::vector<member>& known = {},
                 const std::vector<std::string>& seeds = {}) {
  return {self, known, seeds, 1};
}

using addresses = std::vector<std::string>;

} // namespace

TEST_CASE("seeds and remembered members are dialled at once") {
  auto roster = fresh({peer_b}, {"127.0.0.1:20"});
  auto due = roster.due(at(0ms));
  std::sort(due.begin(), due.end());
  CHECK(due == addresses{"127.0.0.1:20", "127.0.0.1:30"});
}

TEST_CASE("an address is not dialled twice at a time") {
  auto roster = fresh({}, {"127.0.0.1:20"});
  CHECK(roster.due(at(0ms)).size() == 1);
  CHECK(roster.due(at(10'000ms)).empty());
}

TEST_CASE("a dial that failed is due again after a growing, bounded pause") {
  auto roster = fresh({}, {"127.0.0.1:20"});
  auto time = 0ms;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(roster.due(at(time)).size() == 1);
    roster.dial_ended("127.0.0.1:20", at(time));
    CHECK(roster.due(at(time)).empty());
    time += 3'000ms;
  }
}

TEST_CASE("one reachable member is enough to learn of all") {
  auto roster = fresh({}, {"127.0.0.1:20"});
  roster.due(at(0ms));
  CHECK(roster.introduced(peer_a, "127.0.0.1:20"));
  const auto news = roster.heard_of({peer_a, peer_b, self});
  CHECK(news == std::vector<member>{peer_b});
  CHECK(roster.due(at(0ms)) == addresses{"127.0.0.1:30"});
  CHECK(roster.heard_of({peer_b}).empty());
}

TEST_CASE("a linked member is left alone, and dialled again when it is gone") {
  auto roster = fresh({peer_a});
  roster.due(at(0ms));
  roster.dial_ended(peer_a.address, at(0ms));
  roster.link_up(peer_a.origin);
  CHECK(roster.is_linked(peer_a.origin));
  CHECK(roster.due(at(60'000ms)).empty());
  roster.link_down(peer_a.origin, at(60'000ms));
  CHECK(roster.due(at(60'000ms)).empty());
  CHECK(roster.due(at(60'200ms)) == addresses{peer_a.address});
}

TEST_CASE("a seed by another name is left alone while its member is linked") {
  auto roster = fresh({}, {"localhost:20"});
  roster.due(at(0ms));
  roster.introduced(peer_a, "localhost:20");
  roster.dial_ended("localhost:20", at(0ms));
  roster.link_up(peer_a.origin);
  CHECK(roster.due(at(60'000ms)).empty());
  roster.link_down(peer_a.origin, at(60'000ms));
  CHECK(roster.due(at(63'000ms)).size() == 2);
}

TEST_CASE("a seed that is this node itself is dropped") {
  auto roster = fresh({}, {"localhost:10"});
  roster.due(at(0ms));
  roster.is_self("localhost:10");
  CHECK(roster.due(at(60'000ms)).empty());
}

TEST_CASE("a member that moved is dialled at its new address only") {
  auto roster = fresh({peer_a});
  auto moved = peer_a;
  moved.address = "127.0.0.1:21";
  CHECK(roster.introduced(moved, ""));
  CHECK(roster.due(at(0ms)) == addresses{"127.0.0.1:21"});
  CHECK_FALSE(roster.introduced(moved, ""));
  CHECK(roster.find(peer_a.origin)->address == "127.0.0.1:21");
}

TEST_CASE("a member with a new data directory takes its address over") {
  auto roster = fresh({peer_a});
  auto reborn = peer_a;
  reborn.origin = 99;
  CHECK(roster.introduced(reborn, ""));
  CHECK(roster.replaced(at(0ms))
            .empty()); // only whoever is linked has taken over
  roster.link_up(reborn.origin);
  REQUIRE(roster.replaced(at(0ms)) == std::vector<origin_id>{peer_a.origin});
  const auto gone = roster.forget(peer_a.origin, 7);
  REQUIRE(gone);
  CHECK(gone->forgotten == 7);
  CHECK(gone->address.empty());
  CHECK(roster.due(at(60'000ms)).empty());
  CHECK(roster.replaced(at(0ms)).empty());
  roster.link_down(reborn.origin, at(0ms));
  CHECK(roster.due(at(60'000ms)) == addresses{reborn.address});
}

TEST_CASE("a forgotten member is not let in again, whoever tells of it") {
  auto roster = fresh({peer_a});
  auto gone = peer_a;
  gone.forgotten = 5;
  CHECK(roster.heard_of({gone}).size() == 1);
  CHECK(roster.is_forgotten(peer_a.origin));
  CHECK(roster.heard_of({peer_a}).empty());
  CHECK_FALSE(roster.introduced(peer_a, ""));
  CHECK(roster.is_forgotten(peer_a.origin));
  CHECK_FALSE(roster.forget(peer_a.origin, 9));
  CHECK_FALSE(roster.find_name(peer_a.name));
  CHECK(roster.due(at(60'000ms)).empty());
}

TEST_CASE("an identity that was seen under two names is not given up") {
  auto roster = fresh({peer_a});
  auto twin = peer_a;
  twin.name = "twin";
  twin.address = "127.0.0.1:33";
  CHECK(roster.introduced(twin, ""));
  auto reborn = twin;
  reborn.origin = 99;
  CHECK(roster.introduced(reborn, ""));
  roster.link_up(reborn.origin);
  CHECK(roster.replaced(at(0ms)).empty());
  CHECK(roster.replaced(at(59'999ms)).empty());
  // But it is, if nobody hears of it any more.
  CHECK(roster.replaced(at(60'000ms)) == std::vector<origin_id>{peer_a.origin});
}

TEST_CASE("hearsay counts where a copy is found in a member's place") {
  auto roster = fresh({peer_a}, {peer_a.address});
  // A copy of its directory said that it was the member.
  auto twin = peer_a;
  twin.name = "twin";
  twin.address = "127.0.0.1:33";
  CHECK(roster.introduced(twin, ""));
  auto reborn = twin;
  reborn.origin = 99;
  CHECK(roster.introduced(reborn, ""));
  CHECK(roster.heard_of({peer_a}).empty());
  roster.link_up(reborn.origin);
  CHECK(roster.heard_of({peer_a}) == std::vector<member>{peer_a});
  CHECK(roster.find(peer_a.origin) == peer_a);
  CHECK(roster.due(at(60'000ms)) == addresses{peer_a.address});
  CHECK(roster.replaced(at(0ms)).empty());
}

TEST_CASE("linked members are told all members again from time to time") {
  auto roster = fresh({peer_a, peer_b});
  CHECK_FALSE(roster.listener(at(0ms)));
  roster.link_up(peer_a.origin);
  int told = 0;
  for (auto time = 0ms; time < 100'000ms; time += 100ms)
    if (const auto who = roster.listener(at(time))) {
      CHECK(who == peer_a.origin);
      ++told;
    }
  CHECK(told >= 6);
  CHECK(told <= 20);
}

TEST_CASE("hearsay does not overwrite what a member said of itself") {
  auto roster = fresh();
  roster.introduced(peer_a, "");
  auto old = peer_a;
  old.address = "127.0.0.1:9";
  CHECK(roster.heard_of({old}).empty());
  CHECK(roster.find(peer_a.origin) == peer_a);
}

TEST_CASE("this node is a member, but never its own peer") {
  auto roster = fresh();
  CHECK_FALSE(roster.introduced(self, ""));
  CHECK(roster.heard_of({self, member{}}).empty());
  CHECK(roster.others().empty());
  CHECK(roster.all() == std::vector<member>{self});
}
