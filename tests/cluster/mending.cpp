// How a node makes out what it has lost, and gets it back.

#include "cluster/mending.hpp"

#include "cluster/damage_ledger.hpp"
#include "storage/checksum.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace std::chrono_literals;

namespace {

/// Keeps what is asked of it.
struct port final : replica_port {
  std::vector<std::pair<origin_id, std::string>> sent;
  std::vector<leaf_comparison> asked;
  std::vector<repair_changes> taken;

  void send(origin_id peer, std::string bytes) override {
    sent.emplace_back(peer, std::move(bytes));
  }
  void compare(leaf_comparison with) override {
    asked.push_back(std::move(with));
  }
  void reconcile(repair_changes with) override {
    taken.push_back(std::move(with));
  }
  void cut(origin_id, std::string_view, bool) override {}
  void merge(std::size_t, remote_changes) override {}
  void read_backlog(const backlog_request&) override {}
  void save_cursor(origin_id, position, const run_record&) override {}
  void save_fact(fact, std::uint64_t) override {}
  void add_run(const run_record&, origin_id) override {}
  void mark(std::uint64_t) override {}
  void set_line(std::uint64_t, std::uint64_t) override {}
  void list(std::uint64_t, std::vector<std::uint32_t>) override {}
  void reissue_some(std::uint64_t, const std::string&) override {}
  void note_lie(origin_id, std::uint64_t, std::uint64_t) override {}
  void save_identity(const cluster_identity&, bool) override {}
  void note_stranger(origin_id, const cluster_identity&,
                     const cluster_identity&, bool) override {}
  void rejoin(const rejoin_plan&) override {}
  void answer(std::uint64_t, std::size_t, bool) override {}
};

template <class Frame>
Frame last_sent(const port& to) {
  REQUIRE(!to.sent.empty());
  const auto said = decode_frame(to.sent.back().second);
  REQUIRE(said.has_value());
  REQUIRE(std::holds_alternative<Frame>(*said));
  return std::get<Frame>(*said);
}

struct fixture {
  port to;
  unreadable_keys lost;
  mending own{{}, &lost, to, [this](origin_id who, std::string bytes) {
                to.send(who, std::move(bytes));
              }};
  steady_time now{std::chrono::hours{1}};
};

damaged_row row_of(damaged what, position at = 0, const std::string& key = {}) {
  return {what, at, key, key_sum(key)};
}

} // namespace

TEST_CASE("only who has acknowledged the damaged row is asked for its key") {
  fixture f;
  f.lost.add("early", 5);
  f.lost.add("late", 9);
  f.own.tick(f.now, {{1, 4}});
  CHECK(f.to.sent.empty());
  f.own.tick(f.now, {{2, 5}});
  CHECK(last_sent<fetch_frame>(f.to).keys
        == std::vector<std::string_view>{"early"});
  f.own.tick(f.now, {{3, 9}});
  CHECK(last_sent<fetch_frame>(f.to).keys
        == std::vector<std::string_view>{"early", "late"});
}

TEST_CASE("an answer is taken in whole, and only what was asked for") {
  fixture f;
  f.lost.add("a", 1);
  f.lost.add("b", 1);
  f.own.tick(f.now, {{2, 5}});
  const auto ticket = last_sent<fetch_frame>(f.to).ticket;
  SUBCASE("what the peer holds, and what it does not") {
    CHECK(f.own.answered(2, {ticket, 7, {{"a", "entry"}, {"b", ""}}}, f.now));
    REQUIRE(f.to.taken.size() == 1);
    const auto& taken = f.to.taken.front();
    CHECK(taken.mends);
    CHECK(taken.their_line == 7);
    CHECK(taken.changes
          == std::vector<change>{{0, "a", "entry", 2}, {0, "b", "", 2}});
    // It comes once.
    CHECK(f.own.answered(2, {ticket, 7, {{"a", "entry"}}}, f.now));
    CHECK(f.to.taken.size() == 1);
  }
  SUBCASE("another peer's, or a late one") {
    CHECK(f.own.answered(3, {ticket, 7, {{"a", "entry"}}}, f.now));
    CHECK(f.own.answered(2, {ticket + 1, 7, {{"a", "entry"}}}, f.now));
    CHECK(f.to.taken.empty());
  }
  SUBCASE("a key that was not asked for") {
    CHECK(!f.own.answered(2, {ticket, 7, {{"c", "entry"}}}, f.now));
    CHECK(f.to.taken.empty());
  }
}

TEST_CASE("all keys are asked for in turn, and again what was not answered") {
  fixture f;
  for (auto i = 0; i < 50; ++i)
    f.lost.add("key" + std::to_string(100 + i), 1);
  std::vector<std::string> asked;
  for (auto i = 0; i < 3; ++i) {
    f.own.tick(f.now, {{2, 5}});
    for (const auto key : last_sent<fetch_frame>(f.to).keys)
      asked.emplace_back(key);
    f.to.sent.clear();
    f.now += 10s;
    f.own.tick(f.now - 1ms, {{2, 5}});
    CHECK(f.to.sent.empty()); // one question at a time
    if (i == 1) {
      f.own.tick(f.now, {{2, 5}}); // the end: from the front again, later
      CHECK(f.to.sent.empty());
      f.now += 10s;
    }
  }
  CHECK(asked.size() == 50 + fetch_keys_max);
}

TEST_CASE("a peer is told what is held, at most what an answer has room for") {
  fixture f;
  f.own.asked(2, {77, {"a", "b", "c"}}, f.now);
  REQUIRE(f.to.asked.size() == 1);
  CHECK(f.to.asked.front().keys == std::vector<std::string>{"a", "b", "c"});
  // One question of a peer at a time.
  f.own.asked(2, {78, {"a"}}, f.now);
  CHECK(f.to.asked.size() == 1);
  const auto token = f.to.asked.front().token;
  CHECK(!f.own.looked_up(5, {}, 0)); // repair's
  const std::string large(300'000, 'x');
  CHECK(f.own.looked_up(
      token, {{0, "a", large, 0}, {0, "b", large, 0}, {0, "c", "", 0}}, 9));
  const auto said = last_sent<fetched_frame>(f.to);
  CHECK(said.ticket == 77);
  CHECK(said.line == 9);
  REQUIRE(said.items.size() == 1);
  CHECK(said.items.front().key == "a");
  f.own.asked(2, {79, {"a"}}, f.now);
  CHECK(f.to.asked.size() == 2);
}

TEST_CASE("a later whole row stands in for a damaged one") {
  damage_ledger found;
  found.add(row_of(damaged::entry, 3, "a"));
  found.add(row_of(damaged::entry, 4, "b"));
  found.add(row_of(damaged::key, 5, "c"));
  CHECK(found.text() == "2 entry, 1 key");
  found.whole("b");
  found.whole("c");
  found.whole("d");
  CHECK(found.rows() == 0);
  unreadable_keys lost;
  found.tell(lost);
  CHECK(lost.after({}, 10) == std::vector<unreadable_key>{{"a", 3}});
  CHECK(lost.newest() == 3);
}

TEST_CASE("notes and unnamed rows are lost beside any key") {
  damage_ledger found;
  found.add(row_of(damaged::fact));
  found.add(row_of(damaged::missing, 7));
  found.add(row_of(damaged::entry, 8)); // the cleared floor
  CHECK(found.rows() == 3);
  CHECK(found.keys() == 0);
  CHECK(found.count(damaged::fact) == 1);
  // A clear-all of its own covers what came before it, but no facts.
  found.cleared();
  CHECK(found.rows() == 1);
}
