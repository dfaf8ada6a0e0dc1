// Gateway, shard and journal actors together, under the test scheduler with a
// manual clock and a store that fails on demand.

#include "actors/journal_actor.hpp"
#include "actors/shard_actor.hpp"
#include "actors/shard_gateway.hpp"
#include "storage/memory_store.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/faulty_store.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace panal;
using namespace std::chrono_literals;

namespace {

struct recorder : answer_sink {
  std::map<std::uint64_t, answer> answers;
  void on_answer(std::uint64_t ticket, answer reply) override {
    CHECK_FALSE(answers.contains(ticket));
    answers[ticket] = std::move(reply);
  }
};

struct shard_fixture : test::actor_fixture {
  explicit shard_fixture(durability level = durability::disk) {
    auto faulty =
        std::make_unique<test::faulty_store>(std::make_unique<memory_store>(7));
    disk = faulty.get();
    log = std::make_shared<panal::journal>(journal_config{}, std::move(faulty));
    table_config bounds;
    bounds.level = level;
    keys = std::make_shared<table>(bounds, stamps);
    journal_setup keeps;
    keeps.log = log;
    keeps.conditions = &conditions;
    journal = system.spawn(journal_actor, std::move(keeps));
    shard = system.spawn(shard_actor, shard_setup{keys, {}}, journal);
    caf::anon_send(journal, feed_atom_v, std::vector<caf::actor>{shard});
    caf::anon_send(shard, start_atom_v);
    deliver();
    bridge = std::make_unique<shard_gateway>(
        loop, std::vector<caf::actor>{shard}, caf::actor{});
  }

  ~shard_fixture() {
    bridge = nullptr;
    stop(shard);
    stop(journal);
    loop.restart();
    loop.poll();
  }

  void ask(verb what, std::string key, std::int64_t version = 0,
           std::int64_t ttl_ms = 0) {
    bridge->submit({what, std::move(key), "\"v\"", version, ttl_ms}, sink,
                   ++ticket);
  }
  /// Runs the loop and the actors until nothing moves; timers stand still.
  void settle() {
    for (int i = 0; i < 10; ++i) {
      loop.restart();
      loop.poll();
      deliver();
    }
  }
  answer last() {
    settle();
    REQUIRE(sink->answers.contains(ticket));
    return sink->answers[ticket];
  }

  manual_clock time;
  hybrid_clock stamps{7, time};
  test::faulty_store* disk = nullptr;
  journal_ptr log;
  node_conditions conditions;
  table_ptr keys;
  caf::actor journal;
  caf::actor shard;
  boost::asio::io_context loop;
  std::unique_ptr<shard_gateway> bridge;
  std::shared_ptr<recorder> sink = std::make_shared<recorder>();
  std::uint64_t ticket = 0;
};

} // namespace

TEST_CASE("a put is answered after its commit, and then served") {
  shard_fixture f;
  f.ask(verb::put, "k", 4);
  CHECK(f.last().code == errc::ok);
  CHECK(f.disk->last_position() == 1);
  f.ask(verb::get, "k");
  CHECK(f.last().version == 4);
  CHECK(f.last().value == "\"v\"");
}

TEST_CASE("all operations of one tick go to a shard in one message") {
  shard_fixture f;
  for (int i = 0; i < 50; ++i)
    f.ask(verb::put, std::to_string(i), 1);
  f.loop.poll();
  CHECK(f.scheduler.jobs.size() == 1);
  f.settle();
  CHECK(f.sink->answers.size() == 50);
  CHECK(f.disk->appends() == 1); // and one transaction
}

TEST_CASE("a full disk answers 507, changes nothing, and passes") {
  shard_fixture f;
  f.ask(verb::put, "k", 1);
  f.settle();
  f.disk->fail_append(1, errc::storage_full);
  f.ask(verb::put, "k", 2);
  CHECK(f.last().code == errc::storage_full);
  f.ask(verb::get, "k");
  CHECK(f.last().version == 1);
  CHECK(f.disk->last_position() == 1);
  f.ask(verb::put, "k", 2);
  CHECK(f.last().code == errc::ok);
}

TEST_CASE("a read that rests on a failed write fails with it") {
  shard_fixture f;
  f.disk->fail_append(1, errc::storage_failed);
  f.ask(verb::put, "k", 2);
  f.ask(verb::get, "k");
  f.settle();
  CHECK(f.sink->answers[1].code == errc::storage_failed);
  CHECK(f.sink->answers[2].code == errc::storage_failed);
}

TEST_CASE("at memory durability a failed commit is tried until it succeeds") {
  shard_fixture f{durability::memory};
  f.disk->fail_append(1, errc::storage_full, 3);
  f.ask(verb::put, "k", 1);
  CHECK(f.last().code == errc::ok);
  CHECK(f.disk->last_position() == 0);
  for (int i = 0; i < 4; ++i)
    f.advance(200ms);
  CHECK(f.disk->last_position() == 1);
}

TEST_CASE("a dead shard answers unavailable, never nothing") {
  shard_fixture f;
  f.stop(f.shard);
  f.ask(verb::get, "k");
  CHECK(f.last().code == errc::unavailable);
}

TEST_CASE("a shard that stops answers the writes that it still held") {
  shard_fixture f;
  f.ask(verb::put, "k", 1);
  f.loop.poll();
  f.scheduler.try_run_once(); // the shard has decided, the journal has not
  CHECK(f.sink->answers.empty());
  caf::anon_send_exit(f.shard, caf::exit_reason::kill);
  f.scheduler.inline_all_enqueues();
  CHECK(f.last().code != errc::deadline_exceeded);
}

TEST_CASE("a shard's first sweep waits until the journal knows the shards") {
  shard_fixture f;
  auto keys = std::make_shared<table>(table_config{}, f.stamps);
  entry late{{}, {{1, {1, 7}, f.time.now(), false, "1"}}};
  keys->load("late", encode(late));
  auto idle = f.system.spawn(shard_actor, shard_setup{keys, {}}, f.journal);
  f.deliver();
  f.advance(5'000ms);
  CHECK(f.disk->appends() == 0);
  caf::anon_send(idle, start_atom_v);
  f.deliver();
  CHECK(f.disk->appends() == 1);
  f.stop(idle);
}

TEST_CASE("an expired value is dropped by the sweep, on disk too") {
  shard_fixture f;
  f.ask(verb::put, "k", 1, 1'000);
  f.settle();
  f.time.advance(1'000);
  f.advance(1'500ms);
  f.settle();
  CHECK(f.keys->size() == 0);
  CHECK(f.disk->last_position() == 2);
  f.ask(verb::get, "k");
  CHECK(f.last().code == errc::not_found);
}
