// What a table does as a member's: clear-alls, the line, repair, rejoining.

#include "storage/table.hpp"

#include <doctest/doctest.h>

using namespace panal;

namespace {

struct fixture {
  fixture() : keys{config(digests), stamps} {}

  static table_config config(digest_tree& tree) {
    table_config c;
    c.keeps_tombstones = true;
    c.digests = &tree;
    return c;
  }
  outcome apply(verb what, std::string key, std::int64_t version = 0,
                std::int64_t ttl_ms = 0) {
    operation op{what, std::move(key), "\"v\"", version, ttl_ms, {}};
    auto out = keys.apply(op);
    commit();
    return out;
  }
  void commit() {
    if (auto batch = keys.take_batch())
      keys.committed(*batch);
  }
  errc merge(std::string key, const entry& state) {
    const auto out = keys.merge_remote(key, encode(state), 8);
    commit();
    return out.code;
  }
  bool holds(std::string key) {
    operation op;
    op.key = std::move(key);
    return keys.apply(op).reply.code == errc::ok;
  }
  std::uint64_t now_hlc() const { return hlc_at(time.now()); }

  manual_clock time;
  hybrid_clock stamps{7, time};
  digest_tree digests{2};
  table keys;
};

entry put_of(std::int64_t version, stamp at, unix_ms expires_at = never) {
  return {{}, {{version, at, expires_at, false, "1"}}};
}

} // namespace

TEST_CASE("a clear-all deletes what came before it, also what comes late") {
  fixture f;
  f.apply(verb::put, "a", 5);
  const auto early = f.stamps.tick({});
  REQUIRE(f.keys.clear({}).reply.code == errc::ok);
  f.commit();
  CHECK_FALSE(f.holds("a"));
  f.merge("late", put_of(9, early));
  CHECK_FALSE(f.holds("late"));
  CHECK(f.apply(verb::put, "a", 1).reply.code == errc::ok);
  CHECK(f.holds("a"));
}

TEST_CASE("what a clear-all covers is purged in steps, digests included") {
  fixture f;
  const auto empty = f.digests.root();
  for (int i = 0; i < 100; ++i)
    f.apply(verb::put, std::to_string(i), 1);
  CHECK(f.digests.root() != empty);
  REQUIRE(f.keys.clear({}).reply.code == errc::ok);
  f.commit();
  while (f.keys.purge(8))
    f.commit();
  f.commit();
  CHECK(f.keys.size() == 0);
  CHECK(f.digests.root() == empty);
}

TEST_CASE("a peer's delete that a clear-all covers is nothing new") {
  fixture f;
  entry gone;
  gone.floor = f.stamps.tick({});
  REQUIRE(f.keys.clear({}).reply.code == errc::ok);
  f.commit();
  const auto last = f.keys.last_number();
  CHECK(f.merge("a", gone) == errc::ok);
  CHECK(f.keys.last_number() == last); // nothing to journal or to tell on
}

TEST_CASE("a clear-all that could not be stored has not happened") {
  fixture f;
  f.apply(verb::put, "a", 5);
  f.keys.clear({});
  const auto lost = f.keys.take_batch();
  CHECK(f.holds("a")); // it takes effect when it is durable
  f.keys.failed();
  CHECK(f.holds("a"));
  CHECK(f.keys.cleared() == stamp{});
}

TEST_CASE("a tombstone goes when the line has passed it, and not before") {
  fixture f;
  f.apply(verb::put, "a", 5);
  f.apply(verb::remove, "a");
  CHECK(f.keys.size() == 1);
  f.keys.collect(~std::uint64_t{0}, 10); // no line yet
  f.commit();
  CHECK(f.keys.size() == 1);
  f.time.advance(5);
  f.keys.set_line(f.now_hlc());
  f.keys.collect(f.now_hlc(), 10);
  f.commit();
  CHECK(f.keys.size() == 0);
  CHECK(f.keys.stubs() == 0);
}

TEST_CASE("an unknown put below the line is a late copy, and is ignored") {
  fixture f;
  const auto early = f.stamps.tick({});
  f.time.advance(5);
  f.keys.set_line(f.now_hlc());
  const auto out = f.keys.merge_remote("a", encode(put_of(1, early)), 8);
  CHECK(out.code == errc::ok);
  CHECK(out.below_line);
  CHECK_FALSE(f.holds("a"));
}

TEST_CASE("an expiry hides what was stamped before it, and nothing later") {
  fixture f;
  const auto expires_at = f.time.now() + 100;
  const auto first = f.stamps.tick({});
  const auto before = f.stamps.tick({});
  const stamp after{hlc_at(expires_at) + 1, 8};
  f.merge("hidden", put_of(9, first, expires_at));
  f.merge("hidden", put_of(3, before));
  f.merge("later", put_of(9, first, expires_at));
  f.merge("later", put_of(3, after));
  f.time.advance(200);
  CHECK_FALSE(f.holds("hidden"));
  CHECK(f.holds("later"));
  // And so it stays when the expired ones are collected.
  f.keys.sweep(10);
  f.commit();
  f.keys.set_line(f.now_hlc());
  f.keys.collect(f.now_hlc(), 10);
  f.commit();
  CHECK_FALSE(f.holds("hidden"));
  CHECK(f.holds("later"));
}

TEST_CASE("reconciling drops what the peer's line proves dead") {
  fixture f;
  f.apply(verb::put, "a", 1);
  f.apply(verb::put, "b", 1);
  f.time.advance(5);
  f.keys.reconcile("a", {}, f.now_hlc(), 8);
  f.keys.reconcile("b", {}, 1, 8); // its line is below
  f.commit();
  CHECK_FALSE(f.holds("a"));
  CHECK(f.holds("b"));
}

TEST_CASE("a write is issued anew unless something newer has decided") {
  fixture f;
  const stamp old{hlc_at(f.time.now()), 99};
  CHECK(f.keys.reissue("a", put_of(3, old)).reply.code == errc::ok);
  f.commit();
  CHECK(f.holds("a"));
  CHECK(f.keys.reissue("a", put_of(2, old)).reply.code == errc::stale_version);
  f.apply(verb::remove, "a");
  CHECK(f.keys.reissue("a", put_of(9, old)).reply.code == errc::not_found);
  f.commit();
  CHECK_FALSE(f.holds("a"));
}

namespace {

/// A peer's put stands, and an own one was stamped after it in a former life.
struct reborn : fixture {
  stamp early = stamps.tick({});
  stamp later = stamps.tick({});

  explicit reborn(std::int64_t version = 1) {
    merge("a", put_of(version, early));
    time.advance(100);
  }
};

} // namespace

TEST_CASE("a write that has expired still supersedes what it did supersede") {
  reborn f;
  f.keys.reissue("a", put_of(2, f.later, f.time.now() - 1));
  f.commit();
  CHECK_FALSE(f.holds("a"));
}

TEST_CASE("above the line it hides what it hid, also beside what came later") {
  reborn f;
  const auto expires_at = f.time.now() + 50;
  const auto concurrent = f.stamps.tick({});
  f.merge("a", put_of(0, concurrent, expires_at));
  f.time.advance(100);
  f.keys.reissue("a", put_of(2, f.later, expires_at + 1));
  f.commit();
  CHECK_FALSE(f.holds("a"));
  const auto state = decode(f.keys.durable_entry("a"));
  REQUIRE(state.has_value());
  CHECK(state->frontier.front().at == f.later); // it stands for itself
  CHECK(state->frontier.front().value.empty());
  // What was written after its expiry lives.
  f.time.advance(100);
  f.merge("a", put_of(1, f.stamps.tick({})));
  CHECK(f.holds("a"));
}

TEST_CASE("below the line a write that has expired is a delete anew") {
  reborn f;
  f.keys.set_line(f.now_hlc());
  f.keys.reissue("a", put_of(2, f.later, f.time.now() - 1));
  f.commit();
  CHECK_FALSE(f.holds("a"));
  CHECK(floor_of(f.keys.durable_entry("a")) > f.later);
}

TEST_CASE("below the line it deletes all that its expiry would have hidden") {
  reborn f{4};
  const auto expires_at = f.time.now() + 50;
  f.merge("a", put_of(3, f.stamps.tick({})));
  f.time.advance(100);
  f.keys.set_line(f.now_hlc());
  SUBCASE("and nothing else is there") {
    f.keys.reissue("a", put_of(5, f.later, expires_at));
    f.commit();
    CHECK_FALSE(f.holds("a"));
  }
  SUBCASE("but not what was written after it") {
    f.time.advance(1);
    f.merge("a", put_of(2, f.stamps.tick({})));
    f.keys.reissue("a", put_of(5, f.later, expires_at));
    f.commit();
    CHECK(f.holds("a"));
  }
}

TEST_CASE("what came back from elsewhere is issued anew below the line") {
  fixture f;
  const auto mine = f.stamps.tick({});
  f.merge("a", put_of(3, mine));
  const auto newest = [&] { return newest_stamp(f.keys.durable_entry("a")); };
  f.commit();
  CHECK(f.keys.reissue("a", put_of(3, mine)).reply.code == errc::ok);
  f.commit();
  CHECK(newest() == mine); // above the line it stands
  f.time.advance(100);
  f.keys.set_line(f.now_hlc());
  const auto line = f.now_hlc();
  f.time.advance(1);
  CHECK(f.keys.reissue("a", put_of(3, mine)).reply.code == errc::ok);
  f.commit();
  CHECK(f.holds("a"));
  CHECK(newest().hlc > line);
}

TEST_CASE("what is stamped above the line that may be keeps its stamps") {
  fixture f;
  const stamp low{f.now_hlc() + 1, 9};
  const stamp high{low.hlc + 10, 9};
  entry left;
  left.floor = {low.hlc - 1, 9};
  left.frontier = {{5, low, never, false, "\"low\""},
                   {3, high, never, false, "\"high\""}};
  const auto parts = f.keys.parts_of(left, low.hlc);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].is_kept);
  REQUIRE(parts[0].state.frontier.size() == 1);
  CHECK(parts[0].state.frontier[0].at == high);
  CHECK(parts[0].state.floor == stamp{});
  CHECK_FALSE(parts[1].is_kept);
  CHECK(parts[1].state.floor == left.floor);
  REQUIRE(parts[1].state.frontier.size() == 1);
  CHECK(parts[1].state.frontier[0].at == low);

  f.keys.keep("a", parts[0].state);
  f.commit();
  CHECK(decode(f.keys.durable_entry("a"))->frontier[0].at == high);
  CHECK(f.keys.reissue("a", parts[1].state).reply.at.hlc > high.hlc);
  f.commit();
  CHECK(f.apply(verb::get, "a").reply.version == 5);
}

TEST_CASE("nothing keeps its stamps that is not above this node's line") {
  fixture f;
  const stamp later{f.now_hlc(), 9};
  f.keys.set_line(later.hlc);
  for (const auto& part : f.keys.parts_of(put_of(3, later), 1))
    CHECK_FALSE(part.is_kept);
  for (const auto& part : f.keys.parts_of(put_of(3, {later.hlc + 1, 9}), 1))
    CHECK(part.is_kept);
  // Of a rejoin within one cluster all gets new stamps.
  for (const auto& part : f.keys.parts_of(put_of(3, {later.hlc + 1, 9}), 0))
    CHECK_FALSE(part.is_kept);
}

TEST_CASE("of several puts of a key each is issued by itself, oldest first") {
  fixture f;
  entry left;
  left.frontier = {{5, {f.now_hlc() - 2, 9}, never, false, "1"},
                   {3, {f.now_hlc() - 1, 8}, never, false, "2"}};
  const auto parts = f.keys.parts_of(left, 0);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].state.frontier[0].version == 5);
  CHECK(parts[1].state.frontier[0].version == 3);
}
