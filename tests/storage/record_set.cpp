#include "storage/record_set.hpp"

#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

using namespace panal;

TEST_CASE("a record is found by its key, replaced and erased") {
  record_set set;
  CHECK(set.find("k").empty());
  set.assign("k", "one", never);
  set.assign("k", "another", never);
  CHECK(set.find("k") == "another");
  CHECK(set.size() == 1);
  set.erase("k");
  CHECK(set.find("k").empty());
  CHECK(set.size() == 0);
  CHECK(set.bytes() == 0);
}

TEST_CASE("keys come out of the expiry index in the order of their expiry") {
  record_set set;
  set.assign("late", "e", 300);
  set.assign("soon", "e", 100);
  set.assign("never", "e", never);
  CHECK(set.next_expiry() == 100);
  CHECK_FALSE(set.pop_expired(99));
  CHECK(set.pop_expired(100) == "soon");
  CHECK(set.find("soon") == "e");
  CHECK_FALSE(set.pop_expired(299));
  set.push_expired("soon", 100);
  CHECK(set.pop_expired(100) == "soon");
  CHECK(set.pop_expired(500) == "late");
  CHECK(set.next_expiry() == never);
}

TEST_CASE("random use agrees with a map") {
  const auto seed = test::print_seed("record set");
  std::mt19937_64 random{seed};
  record_set set;
  std::map<std::string, std::pair<std::string, unix_ms>> model;
  for (int i = 0; i < 50'000; ++i) {
    const auto key = "key" + std::to_string(random() % 500);
    switch (random() % 4) {
    case 0:
      set.erase(key);
      model.erase(key);
      break;
    case 1: {
      const auto now = static_cast<unix_ms>(random() % 1'000);
      if (const auto gone = set.pop_expired(now)) {
        REQUIRE(model.at(*gone).second <= now);
        model.at(*gone).second = never;
      } else {
        for (const auto& [k, v] : model)
          REQUIRE(v.second > now);
      }
      break;
    }
    default: {
      const std::string entry(random() % 50 + 1, 'x');
      const auto expiry =
          random() % 2 == 0 ? never : static_cast<unix_ms>(random() % 1'000);
      set.assign(key, entry, expiry);
      model[key] = {entry, expiry};
    }
    }
    REQUIRE(set.size() == model.size());
  }
  for (const auto& [key, what] : model)
    CHECK(set.find(key) == what.first);
  std::map<std::string, std::string> visited;
  for (std::size_t part = 0; part < record_set::part_count; ++part)
    set.for_part(part, [&](std::string_view key, std::string_view entry) {
      CHECK(visited.emplace(key, entry).second);
    });
  CHECK(visited.size() == model.size());
  for (const auto& [key, what] : model)
    CHECK(visited.at(key) == what.first);
}

TEST_CASE("a set is emptied part by part, while others keep their keys") {
  record_set set;
  for (int i = 0; i < 10'000; ++i)
    set.assign("key" + std::to_string(i), "entry", never);
  auto left = set.size();
  for (std::size_t part = 0; part < record_set::part_count; ++part) {
    std::vector<std::string> keys;
    set.for_part(part, [&](std::string_view key, std::string_view entry) {
      CHECK(entry == "entry");
      keys.emplace_back(key);
    });
    CHECK(keys.size() > 50);
    CHECK(keys.size() < 400);
    for (const auto& key : keys)
      set.erase(key);
    left -= keys.size();
    CHECK(set.size() == left);
    set.for_part(part, [](auto, auto) { FAIL("still there"); });
  }
  CHECK(set.size() == 0);
}
