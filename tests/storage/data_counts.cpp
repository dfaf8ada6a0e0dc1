// What tables count of what they hold.

#include "storage/data_counts.hpp"

#include "storage/table.hpp"

#include <doctest/doctest.h>

using namespace panal;

namespace {

struct counted_table {
  explicit counted_table(data_counts& into) : keys{config(into), stamps} {}

  static table_config config(data_counts& into) {
    table_config c;
    c.keeps_tombstones = true;
    c.counts = &into;
    return c;
  }
  void apply(verb what, std::string key, std::int64_t version = 0,
             std::int64_t ttl_ms = 0) {
    operation op{what, std::move(key), "\"v\"", version, ttl_ms, {}};
    keys.apply(op);
    commit();
  }
  void commit() {
    if (auto batch = keys.take_batch())
      keys.committed(*batch);
  }

  manual_clock time;
  hybrid_clock stamps{7, time};
  table keys;
};

} // namespace

TEST_CASE("a key is counted once, however often it is written") {
  data_counts held;
  counted_table t{held};
  t.apply(verb::put, "a", 1);
  t.apply(verb::put, "a", 2);
  t.apply(verb::put, "b", 1);
  CHECK(held.keys() == 2);
  CHECK(held.tombstones() == 0);
}

TEST_CASE("what is not durable is not counted") {
  data_counts held;
  counted_table t{held};
  operation op{verb::put, "a", "1", 1, 0, {}};
  t.keys.apply(op);
  CHECK(held.keys() == 0);
  t.commit();
  CHECK(held.keys() == 1);
}

TEST_CASE("a deleted key is a tombstone until the line has passed it") {
  data_counts held;
  counted_table t{held};
  t.apply(verb::put, "a", 1);
  t.apply(verb::remove, "a");
  CHECK(held.keys() == 0);
  CHECK(held.tombstones() == 1);
  t.apply(verb::put, "a", 1); // its value counts, though a delete is below
  CHECK(held.keys() == 1);
  CHECK(held.tombstones() == 0);
  t.apply(verb::remove, "a");
  const auto line = t.stamps.tick({}).hlc;
  t.keys.set_line(line);
  t.keys.collect(line, 100);
  t.commit();
  CHECK(held.tombstones() == 0);
  CHECK(t.keys.size() == 0);
}

TEST_CASE("an expired key is a tombstone once it is swept") {
  data_counts held;
  counted_table t{held};
  t.apply(verb::put, "a", 1, 50);
  t.time.set(t.time.now() + 50);
  CHECK(held.keys() == 1);
  t.keys.sweep(10);
  t.commit();
  CHECK(held.keys() == 0);
  CHECK(held.tombstones() == 1);
}

TEST_CASE("a clear-all is known once it is durable, and its keys go with the "
          "purge") {
  data_counts held;
  counted_table t{held};
  for (int i = 0; i < 20; ++i)
    t.apply(verb::put, std::to_string(i), 1);
  const auto at = t.keys.clear({}).reply.at;
  REQUIRE(at != stamp{});
  CHECK(held.cleared() == stamp{});
  t.commit();
  CHECK(held.cleared() == at);
  while (t.keys.purge(8))
    t.commit();
  t.commit();
  CHECK(held.keys() == 0);
  CHECK(held.tombstones() == 0);
}

TEST_CASE("what is loaded is counted") {
  data_counts held;
  counted_table t{held};
  t.keys.load("a", encode(entry{{}, {{1, {5, 7}, never, false, "1"}}}));
  t.keys.load("b", encode(entry{{6, 7}, {}}));
  t.keys.load(cleared_key, encode(entry{{3, 7}, {}}));
  CHECK(held.keys() == 1);
  CHECK(held.tombstones() == 1);
  CHECK(held.cleared() == stamp{3, 7});
}

TEST_CASE("tables count together") {
  data_counts held;
  counted_table one{held};
  counted_table two{held};
  one.apply(verb::put, "a", 1);
  two.apply(verb::put, "b", 1);
  two.apply(verb::remove, "b");
  CHECK(held.keys() == 1);
  CHECK(held.tombstones() == 1);
}
