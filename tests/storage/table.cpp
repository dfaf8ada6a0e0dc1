#include "storage/table.hpp"

#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>

using namespace panal;

namespace {

/// A table with a manual clock, and a journal that commits when told to.
struct fixture {
  explicit fixture(durability level = durability::disk, bool clustered = true)
      : keys{config(level, clustered), stamps} {}

  static table_config config(durability level, bool clustered) {
    table_config c;
    c.level = level;
    c.keeps_tombstones = clustered;
    return c;
  }

  outcome put(std::string key, std::int64_t version, std::string value = "1",
              std::int64_t ttl_ms = 0) {
    operation op{verb::put, std::move(key), std::move(value),
                 version,   ttl_ms,         {}};
    return keys.apply(op);
  }
  outcome get(std::string key) {
    operation op{verb::get, std::move(key), {}, 0, 0, {}};
    return keys.apply(op);
  }
  outcome remove(std::string key) {
    operation op{verb::remove, std::move(key), {}, 0, 0, {}};
    return keys.apply(op);
  }
  change_batch_ptr commit() {
    auto batch = keys.take_batch();
    if (batch)
      keys.committed(*batch);
    return batch;
  }
  outcome put_durably(std::string key, std::int64_t version,
                      std::string value = "1", std::int64_t ttl_ms = 0) {
    auto out = put(std::move(key), version, std::move(value), ttl_ms);
    commit();
    return out;
  }

  manual_clock time;
  hybrid_clock stamps{0x7001, time};
  table keys;
};

} // namespace

TEST_CASE("a put is answered for only when its change is durable") {
  fixture f;
  const auto out = f.put("k", 1);
  CHECK(out.reply.code == errc::ok);
  CHECK(out.after == 1);
  CHECK(f.keys.durable_number() == 0);
  f.commit();
  CHECK(f.keys.durable_number() == 1);
  CHECK(f.get("k").after == 0);
}

TEST_CASE("a read of an entry under way waits for its commit") {
  fixture f;
  f.put_durably("k", 1, "\"old\"");
  const auto written = f.put("k", 2, "\"new\"");
  const auto read = f.get("k");
  CHECK(read.reply.value == "\"new\"");
  CHECK(read.after == written.after);
}

TEST_CASE("a refusal that rests on an entry under way waits for it too") {
  fixture f;
  const auto written = f.put("k", 5);
  const auto refused = f.put("k", 5);
  CHECK(refused.reply.code == errc::stale_version);
  CHECK(refused.reply.version == 5);
  CHECK(refused.after == written.after);
}

TEST_CASE("a version that is not above the current one changes nothing") {
  fixture f;
  f.put_durably("k", 3, "\"a\"");
  CHECK(f.put("k", 3, "\"b\"").reply.code == errc::stale_version);
  CHECK(f.put("k", 2, "\"b\"").reply.code == errc::stale_version);
  CHECK(f.keys.take_batch() == nullptr);
  CHECK(f.get("k").reply.value == "\"a\"");
}

TEST_CASE("after a delete any version is accepted again") {
  for (const bool clustered : {false, true}) {
    CAPTURE(clustered);
    fixture f{durability::disk, clustered};
    f.put_durably("k", 9);
    CHECK(f.remove("k").reply.code == errc::ok);
    f.commit();
    CHECK(f.get("k").reply.code == errc::not_found);
    CHECK(f.remove("k").reply.code == errc::not_found);
    CHECK(f.put_durably("k", 1).reply.code == errc::ok);
    CHECK(f.get("k").reply.version == 1);
  }
}

TEST_CASE("a value is served until the millisecond of its expiry") {
  fixture f;
  f.put_durably("k", 1, "1", 100);
  f.time.advance(99);
  CHECK(f.get("k").reply.code == errc::ok);
  f.time.advance(1);
  CHECK(f.get("k").reply.code == errc::expired);
  CHECK(f.remove("k").reply.code == errc::expired);
  CHECK(f.put("k", 1).reply.code == errc::ok);
}

TEST_CASE("a failed commit leaves memory as it was and answers nothing") {
  fixture f;
  f.put_durably("k", 1, "\"kept\"");
  f.put("k", 2, "\"lost\"");
  f.put("other", 1);
  f.remove("k");
  f.keys.take_batch();
  f.put("k", 3);
  f.keys.failed();
  CHECK(f.keys.overlay_bytes() == 0);
  CHECK(f.get("k").reply.value == "\"kept\"");
  CHECK(f.get("other").reply.code == errc::not_found);
  CHECK(f.keys.take_batch() == nullptr);
  CHECK(f.put_durably("k", 2, "\"again\"").reply.code == errc::ok);
  CHECK(f.get("k").reply.value == "\"again\"");
}

TEST_CASE("a batch that a failure has made void is not taken for durable") {
  fixture f;
  f.put("k", 1);
  const auto batch = f.keys.take_batch();
  f.keys.failed();
  f.keys.committed(*batch);
  CHECK(f.get("k").reply.code == errc::not_found);
}

TEST_CASE("at memory durability writes are seen at once and tried again") {
  fixture f{durability::memory};
  CHECK(f.put("k", 1).after == 0);
  CHECK(f.get("k").after == 0);
  const auto first = f.keys.take_batch();
  const auto epoch = f.keys.epoch();
  f.keys.failed();
  CHECK(f.keys.epoch() > epoch);
  f.put("k", 2);
  CHECK(f.keys.take_batch() == nullptr); // nothing overtakes the retry
  const auto again = f.keys.take_again();
  REQUIRE(again.size() == 1);
  CHECK(again[0] == first);
  f.keys.committed(*again[0]);
  f.commit();
  CHECK(f.get("k").reply.version == 2);
  CHECK(f.keys.durable_number() == 2);
}

TEST_CASE("a put is refused while memory is full, a delete is not") {
  table_config config;
  config.memory_bytes_max = 2'000;
  manual_clock time;
  hybrid_clock stamps{1, time};
  table keys{config, stamps};
  errc code = errc::ok;
  int stored = 0;
  for (; stored < 100 && code == errc::ok; ++stored) {
    operation op{
        verb::put, "key" + std::to_string(stored), std::string(100, '1'), 1, 0,
        {}};
    code = keys.apply(op).reply.code;
    if (auto batch = keys.take_batch())
      keys.committed(*batch);
  }
  CHECK(code == errc::memory_full);
  CHECK(stored > 2);
  operation gone{verb::remove, "key0", {}, 0, 0, {}};
  CHECK(keys.apply(gone).reply.code == errc::ok);
}

TEST_CASE("writes are refused while too much waits for the journal") {
  table_config config;
  config.overlay_bytes_max = 1'000;
  manual_clock time;
  hybrid_clock stamps{1, time};
  table keys{config, stamps};
  errc code = errc::ok;
  for (int i = 0; i < 100 && code == errc::ok; ++i) {
    operation op{verb::put, std::to_string(i), "1", 1, 0, {}};
    code = keys.apply(op).reply.code;
  }
  CHECK(code == errc::overloaded);
}

TEST_CASE("the sweep drops expired values in bounded steps") {
  fixture f;
  for (int i = 0; i < 10; ++i)
    f.put_durably(std::to_string(i), 1, std::string(1'000, '1'), 10 + i);
  const auto full = f.keys.memory_bytes();
  CHECK(f.keys.sweep(100) == 0);
  f.time.advance(14);
  CHECK(f.keys.sweep(3) == 3);
  CHECK(f.keys.sweep(3) == 2);
  const auto batch = f.commit();
  REQUIRE(batch);
  CHECK(batch->changes.size() == 5);
  CHECK(batch->changes[0].source == local_change);
  CHECK(f.keys.memory_bytes() < full - 4'500);
  CHECK(f.get("0").reply.code == errc::expired);
  CHECK(f.get("9").reply.code == errc::ok);
}

TEST_CASE("a node without peers forgets what is deleted or expired") {
  fixture f{durability::disk, false};
  f.put_durably("gone", 1);
  f.put_durably("late", 1, "1", 10);
  f.remove("gone");
  f.commit();
  f.time.advance(10);
  f.keys.sweep(10);
  f.commit();
  CHECK(f.keys.size() == 0);
}

TEST_CASE("what a sweep could not commit is swept again") {
  fixture f;
  f.put_durably("k", 1, "1", 10);
  f.time.advance(10);
  CHECK(f.keys.sweep(10) == 1);
  f.keys.take_batch();
  f.keys.failed();
  CHECK(f.keys.sweep(10) == 1);
  f.commit();
  CHECK(f.keys.sweep(10) == 0);
}

TEST_CASE("a loaded table serves what was stored and drops what has expired") {
  fixture source;
  source.put("whole", 4, "\"v\"");
  source.put("late", 1, std::string(1'000, '1'), 50);
  const auto batch = source.commit();
  fixture f;
  f.time.set(source.time.now() + 50);
  for (const auto& what : batch->changes)
    f.keys.load(what.key, what.entry);
  CHECK(f.get("whole").reply.version == 4);
  CHECK(f.get("late").reply.code == errc::expired);
  CHECK(f.keys.memory_bytes() < 600);
  CHECK(f.keys.sweep(10) == 1);
}

TEST_CASE("stamps issued after a load are above every loaded one") {
  fixture source;
  source.time.advance(1'000'000);
  source.put("k", 1);
  const auto loaded = source.commit();
  fixture f;
  f.keys.load("k", loaded->changes[0].entry);
  f.put("other", 1);
  const auto fresh = f.commit();
  CHECK(newest_stamp(fresh->changes[0].entry)
        > newest_stamp(loaded->changes[0].entry));
}

TEST_CASE("a peer's change is merged, and a known one changes nothing") {
  fixture a;
  a.put("k", 7, "\"v\"");
  const auto said = a.commit()->changes[0];
  fixture b;
  const auto first = b.keys.merge_remote("k", said.entry, 0x7001);
  CHECK(first.after == 1);
  const auto repeated = b.keys.merge_remote("k", said.entry, 0x7001);
  CHECK(repeated.after == 1); // durable only together with the first
  b.commit();
  CHECK(b.keys.merge_remote("k", said.entry, 0x7001).after == 0);
  CHECK(b.get("k").reply.version == 7);
  CHECK(b.keys.take_batch() == nullptr);
}

TEST_CASE("at memory durability too a peer is told only what is durable") {
  fixture a;
  a.put("k", 7);
  const auto said = a.commit()->changes[0];
  fixture b{durability::memory};
  CHECK(b.keys.merge_remote("k", said.entry, 0x7001).after == 1);
}

TEST_CASE("a change from the far future is set aside") {
  fixture a;
  a.time.advance(25LL * 60 * 60 * 1000);
  a.put("k", 7);
  const auto said = a.commit()->changes[0];
  fixture b;
  const auto out = b.keys.merge_remote("k", said.entry, 0x7001);
  CHECK(out.set_aside);
  CHECK(b.get("k").reply.code == errc::not_found);
  b.put("other", 1);
  CHECK(time_of(newest_stamp(b.commit()->changes[0].entry)) == b.time.now());
}

TEST_CASE("bytes that are no entry are refused") {
  fixture f;
  CHECK(f.keys.merge_remote("k", "garbage", 1).code == errc::corrupt);
  CHECK(f.keys.take_batch() == nullptr);
}

TEST_CASE("what put and remove write is what merge makes of their stamps") {
  const auto seed = test::print_seed("table");
  std::mt19937_64 random{seed};
  fixture a;
  fixture b;
  std::map<std::string, entry> model;
  for (int i = 0; i < 20'000; ++i) {
    const auto key = std::to_string(random() % 5);
    const auto version = static_cast<std::int64_t>(random() % 20);
    auto& f = random() % 2 == 0 ? a : b;
    auto& other = &f == &a ? b : a;
    if (random() % 4 == 0)
      f.remove(key);
    else
      f.put(key, version, "1", random() % 3 == 0 ? 5 : 0);
    f.time.advance(static_cast<unix_ms>(random() % 3));
    const auto batch = f.commit();
    if (!batch)
      continue;
    const auto& what = batch->changes[0];
    const auto state = *decode(what.entry);
    // The state that was written joins all that the node knew before.
    REQUIRE(merge(state, model[key + (&f == &a ? "a" : "b")]) == state);
    model[key + (&f == &a ? "a" : "b")] = state;
    if (random() % 2 == 0) {
      other.keys.merge_remote(key, what.entry, 1);
      if (const auto merged = other.commit())
        model[key + (&other == &a ? "a" : "b")] =
            *decode(merged->changes[0].entry);
    }
  }
}
