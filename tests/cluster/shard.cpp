// Shards of one node, stepped by hand: what they say is kept, and goes on when
// a test says so.

#include "cluster/shard.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace panal;
using namespace std::chrono_literals;

namespace {

struct numbered_request final : request {
  numbered_request(operation wanted, int n)
      : request{std::move(wanted)}, number{n} {}
  int number;
};

/// Keeps what a shard says.
struct kept_words final : shard_port {
  void journal(change_batch_ptr batch, std::uint64_t at) override {
    batches.push_back(std::move(batch));
    epoch = at;
  }
  void mark(std::uint64_t, std::uint64_t) override {}
  void answer(std::vector<request_ptr> done) override {
    for (auto& item : done) {
      const auto number = static_cast<numbered_request&>(*item).number;
      CHECK_FALSE(answers.contains(number));
      answers[number] = std::move(item->reply);
    }
  }
  void await_members(quorum_wait wait) override {
    waits.push_back(std::move(wait));
  }
  void merged(const remote_done& part) override { reports.push_back(part); }
  void reissued(reissue_report) override {}
  void want_line(std::uint64_t) override {}
  void listed(leaf_listing) override {}
  void compared(leaf_difference) override {}
  void spread_clear(const clear_notice& what) override {
    notices.push_back(what);
  }
  void wake(shard_task what, std::chrono::milliseconds) override {
    tasks.push_back(what);
  }

  std::vector<change_batch_ptr> batches;
  std::uint64_t epoch = 0;
  std::map<int, panal::answer> answers;
  std::vector<quorum_wait> waits;
  std::vector<remote_done> reports;
  std::vector<clear_notice> notices;
  std::vector<shard_task> tasks;
};

/// One shard, and what it has said.
struct small_shard {
  small_shard(std::size_t index, const table_config& config,
              hybrid_clock& stamps)
      : core{{index, 2, nullptr, 0},
             std::make_shared<table>(config, stamps),
             said} {}

  kept_words said;
  shard core;

  void ask(int number, verb what, std::string key = {},
           std::optional<write_level> level = {}) {
    operation op{what, std::move(key), "1", number, 0, level};
    std::vector<request_ptr> one;
    one.push_back(std::make_unique<numbered_request>(std::move(op), number));
    core.apply(std::move(one));
  }
  /// The journal commits, or refuses, what it has been handed.
  void commit(errc code = errc::ok) {
    commit_note note;
    note.code = code;
    note.epoch = said.epoch;
    note.batches = std::exchange(said.batches, {});
    for (const auto& batch : note.batches)
      for (auto& what : batch->changes)
        what.at = ++last;
    if (!note.batches.empty())
      core.committed(note);
  }
  std::size_t rows() const {
    std::size_t count = 0;
    for (const auto& batch : said.batches)
      count += batch->changes.size();
    return count;
  }
  bool shows(const std::string& key) {
    operation op;
    op.key = key;
    return core.keys().apply(op).reply.code == errc::ok;
  }

  position last = 0;
};

/// A node of two shards; the first decides about clear-alls.
struct fixture {
  explicit fixture(durability level = durability::disk)
      : first{0, bounds(0, level), stamps},
        second{1, bounds(1, level), stamps} {}

  static table_config bounds(std::size_t index, durability level) {
    table_config c;
    c.shard = index;
    c.level = level;
    c.keeps_tombstones = true;
    return c;
  }
  /// What the first shard has told the second arrives, and is confirmed.
  void spread() {
    for (const auto& what : std::exchange(first.said.notices, {})) {
      second.core.take_clear(what);
      first.core.clear_taken(what.token);
    }
  }
  void put_both() {
    first.ask(1, verb::put, "a");
    second.ask(2, verb::put, "b");
    first.commit();
    second.commit();
  }

  manual_clock time;
  hybrid_clock stamps{7, time};
  small_shard first;
  small_shard second;
};

remote_changes clear_of(const stamp& at, std::uint64_t ticket) {
  entry floor;
  floor.floor = at;
  return {8, ticket, {{0, std::string{cleared_key}, encode(floor), 8}}};
}

} // namespace

TEST_CASE("a clear-all is one row, and answered when all shards know of it") {
  fixture f;
  f.put_both();
  f.first.ask(3, verb::clear);
  CHECK(f.first.rows() == 1);
  CHECK(f.second.rows() == 0);
  CHECK(f.first.shows("a")); // nothing is durable yet
  f.first.commit();
  CHECK_FALSE(f.first.shows("a"));
  CHECK(f.second.shows("b"));
  CHECK_FALSE(f.first.said.answers.contains(3));
  f.spread();
  CHECK_FALSE(f.second.shows("b"));
  CHECK(f.first.said.answers.at(3).code == errc::ok);
  CHECK(f.first.said.answers.at(3).reached == write_level::disk);
}

TEST_CASE("a clear-all that the disk refuses has happened nowhere") {
  fixture f;
  f.put_both();
  f.first.ask(3, verb::clear);
  f.first.commit(errc::storage_full);
  CHECK(f.first.said.answers.at(3).code == errc::storage_full);
  CHECK(f.first.said.notices.empty());
  CHECK(f.first.shows("a"));
  CHECK(f.second.shows("b"));
  f.first.ask(4, verb::clear);
  f.first.commit();
  f.spread();
  CHECK(f.first.said.answers.at(4).code == errc::ok);
  CHECK_FALSE(f.first.shows("a"));
  CHECK_FALSE(f.second.shows("b"));
}

TEST_CASE("clear-alls from clients and peers at once get an answer each") {
  fixture f;
  f.put_both();
  for (int n = 3; n < 15; ++n) {
    f.first.ask(n, verb::clear, {}, write_level::sync);
    // A peer's, stamped later than all that this node has decided so far.
    const stamp theirs{f.stamps.promise() + 1'000, 8};
    f.first.core.merge(clear_of(theirs, static_cast<std::uint64_t>(n)));
    f.first.core.merge(clear_of(theirs, 100 + static_cast<std::uint64_t>(n)));
  }
  for (const auto& batch : f.first.said.batches)
    if (batch->changes.size() == 1
        && batch->changes.front().source == own_change)
      CHECK(batch->flush);
  f.first.commit();
  f.spread();
  for (int n = 3; n < 15; ++n) {
    CHECK(f.first.said.answers.at(n).code == errc::ok);
    CHECK(f.first.said.answers.at(n).reached == write_level::sync);
  }
  CHECK(f.first.said.reports.size() == 24);
}

TEST_CASE("a peer's clear-all that covers nothing new is confirmed at once") {
  fixture f;
  f.first.ask(1, verb::clear);
  f.first.commit();
  f.spread();
  const auto rows = f.first.rows();
  f.first.core.merge(clear_of({1, 8}, 5));
  CHECK(f.first.rows() == rows);
  REQUIRE(f.first.said.reports.size() == 1);
  CHECK(f.first.said.reports[0].code == errc::ok);
}

TEST_CASE("a clear-all that wants a quorum waits for its own position") {
  fixture f;
  f.put_both();
  f.first.ask(3, verb::clear, {}, write_level::quorum);
  f.first.commit();
  CHECK(f.first.said.waits.empty()); // the second shard does not know yet
  f.spread();
  REQUIRE(f.first.said.waits.size() == 1);
  CHECK(f.first.said.waits[0].at == f.first.last);
  CHECK(f.first.said.waits[0].wanted == write_level::quorum);
}

TEST_CASE("a put that comes between a clear-all and its spreading stays") {
  fixture f;
  f.put_both();
  f.first.ask(3, verb::clear);
  f.first.commit();
  f.second.ask(4, verb::put, "b"); // stamped above the clear-all
  f.second.commit();
  f.spread();
  CHECK(f.second.shows("b"));
  CHECK(f.second.said.answers.at(4).code == errc::ok);
}

TEST_CASE(
    "whoever asks for less than the node's level waits for it all the same") {
  fixture f;
  f.put_both();
  f.first.ask(3, verb::clear, {}, write_level::memory);
  CHECK_FALSE(f.first.said.answers.contains(3));
  f.first.commit();
  f.spread();
  CHECK(f.first.said.answers.at(3).reached == write_level::disk);
  CHECK_FALSE(f.second.shows("b"));
}

TEST_CASE("at memory level a clear-all shows at once, and purges when stored") {
  fixture f{durability::memory};
  f.put_both();
  f.first.ask(3, verb::clear);
  CHECK_FALSE(f.first.shows("a"));
  CHECK_FALSE(f.first.said.answers.contains(3));
  f.spread();
  CHECK(f.first.said.answers.at(3).code == errc::ok);
  CHECK_FALSE(f.second.shows("b"));
  CHECK_FALSE(f.second.core.keys().purges());
  f.first.commit();
  f.spread();
  CHECK(f.second.core.keys().purges());
}

TEST_CASE("a shard that stops answers the clear-all that was under way") {
  fixture f;
  f.put_both();
  f.first.ask(3, verb::clear);
  f.first.ask(4, verb::put, "a");
  f.first.commit();
  f.first.ask(5, verb::put, "a");
  f.first.core.stop();
  CHECK(f.first.said.answers.at(3).code == errc::unavailable);
  CHECK(f.first.said.answers.at(4).code == errc::ok);
  CHECK(f.first.said.answers.at(5).code == errc::unavailable);
}

TEST_CASE("a peer's changes are confirmed when they are durable") {
  fixture f;
  const entry state{{}, {{1, {5, 8}, never, false, "1"}}};
  f.first.core.merge({8, 1, {{0, "k", encode(state), 8}}});
  CHECK(f.first.said.reports.empty());
  f.first.commit();
  REQUIRE(f.first.said.reports.size() == 1);
  CHECK(f.first.said.reports[0].ticket == 1);
}

TEST_CASE("stubs are collected in steps, with a pause between them") {
  fixture f;
  for (int n = 0; n < 600; ++n) {
    f.first.ask(n, verb::put, std::to_string(n));
    f.first.ask(1'000 + n, verb::remove, std::to_string(n));
  }
  f.first.commit();
  f.time.advance(5);
  f.first.said.tasks.clear();
  f.first.core.set_line(hlc_at(f.time.now()), hlc_at(f.time.now()));
  CHECK(f.first.core.keys().stubs() == 600 - 256);
  CHECK(f.first.said.tasks == std::vector{shard_task::collect});
  f.first.core.set_line(hlc_at(f.time.now()), hlc_at(f.time.now()));
  CHECK(f.first.core.keys().stubs() == 600 - 256); // one step at a time
  f.first.core.run(shard_task::collect);
  f.first.core.run(shard_task::collect);
  CHECK(f.first.core.keys().stubs() == 0);
}
