// Keys whose rows on disk are damaged: refused, never taken for absent, and
// readable again once something stands in for what was lost.

#include "storage/checksum.hpp"
#include "storage/table.hpp"

#include <doctest/doctest.h>

using namespace panal;

namespace {

struct fixture {
  explicit fixture(bool clustered = true) : keys{config(clustered), stamps} {
    keys.load("k", encode(put_of(3, {5, 9})));
    lost.add("k", 4);
  }

  table_config config(bool clustered) {
    table_config c;
    c.keeps_tombstones = clustered;
    c.digests = &digests;
    c.unreadable = &lost;
    return c;
  }
  static entry put_of(std::int64_t version, stamp at,
                      unix_ms expires_at = never) {
    return {{}, {{version, at, expires_at, false, "1"}}};
  }
  outcome apply(verb what, std::string key, std::int64_t version = 0) {
    operation op{what, std::move(key), "\"v\"", version, 0, {}};
    return keys.apply(op);
  }
  errc code(verb what, std::string key = "k", std::int64_t version = 9) {
    return apply(what, std::move(key), version).reply.code;
  }
  change_batch_ptr commit() {
    auto batch = keys.take_batch();
    if (batch)
      keys.committed(*batch);
    return batch;
  }
  void fail() {
    static_cast<void>(keys.take_batch());
    keys.failed();
  }

  node_conditions shown;
  unreadable_keys lost{&shown};
  manual_clock time;
  hybrid_clock stamps{7, time};
  digest_tree digests{2};
  table keys;
};

} // namespace

TEST_CASE("a key that cannot be read is refused, others are not") {
  fixture f;
  CHECK(f.code(verb::get) == errc::unreadable);
  CHECK(f.code(verb::put) == errc::unreadable);
  CHECK(f.code(verb::get, "other") == errc::not_found);
  CHECK(f.code(verb::put, "other") == errc::ok);
  CHECK(f.shown.count(condition::unreadable_keys) == 1);
}

TEST_CASE("a key that is known by its sum alone is refused too") {
  fixture f;
  f.lost.add_sum(key_sum("x"), 5);
  CHECK(f.code(verb::get, "x") == errc::unreadable);
  CHECK(f.code(verb::get, "y") == errc::not_found);
}

TEST_CASE("nothing is staged for it that would pass for its newest state") {
  fixture f;
  const auto late = encode(fixture::put_of(4, {6, 9}));
  CHECK(f.keys.merge_remote("k", late, 9).code == errc::unreadable);
  CHECK(f.keys.reconcile("k", late, ~std::uint64_t{0}, 9).code
        == errc::unreadable);
  CHECK(f.keys.reconcile("k", {}, ~std::uint64_t{0}, 9).code
        == errc::unreadable);
  const auto again = f.keys.reissue("k", fixture::put_of(4, {6, 7}));
  CHECK(again.reply.code == errc::overloaded);
  f.keys.rewrite("k");
  CHECK(f.keys.take_batch() == nullptr);
}

TEST_CASE("no sweep and no collection stages anything for it") {
  fixture f;
  const auto soon = f.time.now() + 10;
  f.keys.load("old", encode(fixture::put_of(1, {6, 9}, soon)));
  entry stub;
  stub.floor = {7, 9};
  f.keys.load("stub", encode(stub));
  f.lost.add("old", 5);
  f.lost.add("stub", 6);
  f.time.advance(1'000);
  f.keys.sweep(10);
  f.keys.set_line(~std::uint64_t{0});
  f.keys.collect(~std::uint64_t{0}, 10);
  f.keys.purge(100);
  CHECK(f.keys.take_batch() == nullptr);
}

TEST_CASE("what a peer gives makes it readable once that is durable") {
  fixture f;
  f.keys.set_line(1'000); // the peer's state lies below: it is no late copy
  const auto theirs = encode(fixture::put_of(8, {6, 9}));
  REQUIRE(f.keys.mend("k", theirs, 0, 9).code == errc::ok);
  SUBCASE("it is stored") {
    CHECK(f.apply(verb::get, "k").after != 0);
    f.commit();
    CHECK(f.apply(verb::get, "k").reply.version == 8);
    CHECK(!f.lost.any());
    CHECK(f.shown.count(condition::unreadable_keys) == 0);
  }
  SUBCASE("it is not") {
    f.fail();
    CHECK(f.code(verb::get) == errc::unreadable);
    CHECK(f.lost.any());
    REQUIRE(f.keys.mend("k", theirs, 0, 9).code == errc::ok);
    f.commit();
    CHECK(f.code(verb::get) == errc::ok);
  }
}

TEST_CASE("what a peer gives is stored even if it is what is at hand") {
  fixture f;
  REQUIRE(f.keys.mend("k", f.keys.durable_entry("k"), 0, 9).code == errc::ok);
  const auto batch = f.commit();
  REQUIRE(batch != nullptr);
  CHECK(batch->changes.size() == 1);
  CHECK(f.code(verb::get) == errc::ok);
}

TEST_CASE("a peer that does not hold the key proves that there is none") {
  fixture f;
  const auto before = f.digests.root();
  REQUIRE(f.keys.mend("k", {}, 0, 9).code == errc::ok);
  const auto batch = f.commit();
  REQUIRE(batch != nullptr);
  CHECK(batch->changes.front().entry.empty());
  CHECK(f.code(verb::get) == errc::not_found);
  CHECK(f.digests.root() != before);
}

TEST_CASE("bytes that are no entry mend nothing") {
  fixture f;
  CHECK(f.keys.mend("k", "no entry", 0, 9).code == errc::corrupt);
  CHECK(f.keys.take_batch() == nullptr);
  CHECK(!f.keys.load("k", "no entry"));
}

TEST_CASE_TEMPLATE("a delete says what it holds: nothing", Clustered,
                   std::true_type, std::false_type) {
  fixture f{Clustered::value};
  REQUIRE(f.code(verb::remove) == errc::ok);
  f.fail();
  CHECK(f.code(verb::get) == errc::unreadable);
  REQUIRE(f.code(verb::remove) == errc::ok);
  f.commit();
  CHECK(f.code(verb::get) == errc::not_found);
  CHECK(!f.lost.any());
  CHECK(f.code(verb::put, "k", 1) == errc::ok);
}

TEST_CASE("a key whose row was found damaged later is staged as it is held") {
  fixture f;
  f.keys.load("good", encode(fixture::put_of(1, {6, 9})));
  f.keys.rewrite("good");
  const auto batch = f.commit();
  REQUIRE(batch != nullptr);
  CHECK(batch->changes.front().entry == f.keys.durable_entry("good"));
  f.keys.rewrite_summed(key_sum("good"));
  CHECK(f.commit() != nullptr);
  f.keys.rewrite_summed(key_sum("no such key"));
  CHECK(f.commit() == nullptr);
}
