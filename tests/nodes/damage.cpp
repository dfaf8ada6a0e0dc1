// Bytes that a disk gives back otherwise than it took them: nothing vanishes
// anywhere, and what can be known again is served again.

#include "tests/support/node.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace panal::test;
using std::chrono::seconds;

namespace {

constexpr std::size_t key_count = 60;

/// Repair compares twice, and lines are drawn, in this time.
constexpr milliseconds watched{20'000};

/// Changes a stopped node's file behind its back.
void damage(const node& of, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open((of.data_dir() + "/panal.db").c_str(), &db)
          == SQLITE_OK);
  char* why = nullptr;
  const auto code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
  const std::string text = why == nullptr ? "" : why;
  CAPTURE(text);
  CHECK(code == SQLITE_OK);
  CHECK(sqlite3_total_changes(db) > 0);
  sqlite3_free(why);
  REQUIRE(sqlite3_close(db) == SQLITE_OK);
}

/// One byte of the entry of `key`, wherever its row stands.
std::string damage_entry(const std::string& key) {
  const auto flip = [&](const std::string& table) {
    return "UPDATE " + table
           + " SET entry = CAST(x'02' || substr(entry, 2) AS BLOB)"
             " WHERE key = CAST('"
           + key + "' AS BLOB);";
  };
  return flip("entries") + flip("journal");
}

std::vector<std::string> all_keys() {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < key_count; ++i)
    keys.push_back(text("key-", i));
  return keys;
}

void put_all(const node& at, std::int64_t version = 1) {
  auto client = at.client();
  for (const auto& key : all_keys())
    REQUIRE(client.put(key, "\"" + key + "\"", version).status == 200);
}

/// How many of the keys each node does not show.
std::size_t count_lacking(const cluster& nodes) {
  std::size_t lacking = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    auto client = nodes[i].client();
    for (const auto& key : all_keys())
      lacking += client.get(key).status == 200 ? 0U : 1U;
  }
  return lacking;
}

/// Watches for a while that no node says of a key that it is not there.
void check_nothing_vanishes(const cluster& nodes) {
  const auto end = steady::now() + watched;
  while (steady::now() < end)
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      auto client = nodes[i].client();
      for (const auto& key : all_keys())
        REQUIRE(client.get(key).status != 404);
    }
  CHECK(count_lacking(nodes) == 0);
}

void stop_in_order(node& one) {
  const auto ended = one.terminate();
  REQUIRE(ended);
  CHECK(ended->code == 0);
}

std::string body_of(const node& at, std::string_view method,
                    std::string_view target) {
  return at.client().request(method, target).body;
}

bool holds(const std::string& body, std::string_view words) {
  return body.find(words) != std::string::npos;
}

bool is_ok(const node& at) {
  return holds(body_of(at, "GET", "/_health"), "\"status\":\"ok\"");
}

} // namespace

TEST_CASE("a damaged entry vanishes from no node, and is fetched from a peer") {
  cluster nodes;
  put_all(nodes[0]);
  REQUIRE(all_equal(nodes.http_endpoints(), all_keys(), patience).reached);
  stop_in_order(nodes[1]);
  damage(nodes[1], damage_entry("key-7"));
  nodes[1].start();
  CHECK(nodes[1].count_events("disk_damaged") == 1);
  CHECK(eventually(patience, [&] { return count_lacking(nodes) == 0; }));
  CAPTURE(nodes.describe());
  check_nothing_vanishes(nodes);
  CHECK(is_ok(nodes[1]));
  // Mended for good.
  nodes[1].restart();
  CHECK(nodes[1].count_events("disk_damaged") == 0);
  CHECK(eventually(patience, [&] { return count_lacking(nodes) == 0; }));
}

TEST_CASE("one flipped bit of the line on one disk deletes nothing") {
  cluster nodes;
  put_all(nodes[0]);
  REQUIRE(all_equal(nodes.http_endpoints(), all_keys(), patience).reached);
  // A line has been drawn.
  REQUIRE(eventually(3 * patience, [&] {
    return !holds(body_of(nodes[2], "GET", "/api/v1/cluster"), "\"line\":null");
  }));
  stop_in_order(nodes[2]);
  put_all(nodes[0], 2);
  damage(nodes[2], "UPDATE facts SET value = value | (1 << 61)"
                   " WHERE number = 1");
  nodes[2].start();
  CHECK(nodes[2].count_events("disk_damaged") == 1);
  CHECK(eventually(2 * patience, [&] { return count_lacking(nodes) == 0; }));
  CAPTURE(nodes.describe());
  check_nothing_vanishes(nodes);
  CHECK(is_ok(nodes[2]));
}

TEST_CASE("a single node refuses a damaged key and serves all others") {
  node one{node_setup{}};
  one.start();
  put_all(one);
  stop_in_order(one);
  damage(one, damage_entry("key-7"));
  one.start();
  auto client = one.client();
  CHECK(client.get("key-7").status == 503);
  CHECK(holds(body_of(one, "GET", target_of("key-7")),
              "urn:panal:problem:unreadable"));
  CHECK(client.put("key-7", "1", 9).status == 503);
  CHECK(client.get("key-8").status == 200);
  CHECK(client.get("never").status == 404);
  const auto health = body_of(one, "GET", "/_health");
  CHECK(holds(health, "degraded"));
  CHECK(holds(health, "unreadable_keys"));
  // Again after a restart: the damage is not forgotten by itself.
  one.restart();
  client = one.client();
  CHECK(client.get("key-7").status == 503);
  // A delete says what the key holds: nothing.
  CHECK(client.remove("key-7").status == 200);
  CHECK(client.get("key-7").status == 404);
  CHECK(is_ok(one));
  CHECK(client.put("key-7", "1", 1).status == 200);
  one.restart();
  client = one.client();
  CHECK(client.get("key-7").status == 200);
  CHECK(is_ok(one));
}

TEST_CASE("a single node clears what it cannot read") {
  node one{node_setup{}};
  one.start();
  put_all(one);
  stop_in_order(one);
  damage(one, damage_entry("key-7") + damage_entry("key-8"));
  one.start();
  auto client = one.client();
  CHECK(client.get("key-8").status == 503);
  CHECK(client.request("DELETE", "/cache").status == 200);
  CHECK(eventually(patience, [&] { return is_ok(one); }));
  CHECK(client.get("key-8").status == 404);
  one.restart();
  CHECK(one.client().get("key-8").status == 404);
  CHECK(is_ok(one));
}
