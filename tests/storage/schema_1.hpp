#pragma once

// A data directory as the first version of the schema left it, made by SQLite
// alone: the store's own statements may change, this may not.

#include "tests/storage/store_support.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <string>

namespace panal::test {

inline constexpr auto schema_1_file = R"(
  PRAGMA page_size=4096;
  PRAGMA journal_mode=WAL;
  BEGIN;
  CREATE TABLE journal(
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    entry BLOB NOT NULL,
    source INTEGER NOT NULL);
  CREATE TABLE entries(
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    entry BLOB NOT NULL);
  CREATE TABLE cursors(
    peer INTEGER PRIMARY KEY,
    acknowledged INTEGER NOT NULL);
  CREATE TABLE members(
    origin INTEGER PRIMARY KEY,
    name BLOB NOT NULL,
    address BLOB NOT NULL);
  CREATE TABLE meta(
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('folded', 2), ('fences', 0), ('origin', -5);
  INSERT INTO entries VALUES (2, x'61', x'3132');
  INSERT INTO journal VALUES (3, x'62', x'33', 9), (4, x'61', x'34', 0);
  INSERT INTO cursors VALUES (-7, 3);
  INSERT INTO members VALUES (-7, CAST('node2' AS BLOB),
                              CAST('127.0.0.1:7002' AS BLOB));
  PRAGMA application_id=1347305804;
  PRAGMA user_version=1;
  COMMIT;
)";

inline void make_schema_1(const std::string& directory) {
  std::filesystem::create_directory(directory);
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open((directory + "/panal.db").c_str(), &db) == SQLITE_OK);
  REQUIRE(sqlite3_exec(db, schema_1_file, nullptr, nullptr, nullptr)
          == SQLITE_OK);
  REQUIRE(sqlite3_close(db) == SQLITE_OK);
}

/// What that directory holds.
inline snapshot schema_1_content() {
  constexpr auto peer = ~origin_id{6};
  snapshot held;
  held.last = 4;
  held.journal = 2;
  held.loaded = {{"a", {"4", 4}}, {"b", {"3", 3}}};
  held.changes = {{2, "a", "12", 0}, {3, "b", "3", 9}, {4, "a", "4", 0}};
  held.origin = ~origin_id{4};
  held.cursors = {{peer, 3}};
  held.members = {{peer, "node2", "127.0.0.1:7002"}};
  return held;
}

} // namespace panal::test
