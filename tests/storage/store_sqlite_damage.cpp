// Rows that read back otherwise than they were written: each is found out,
// told by its kind, and taken for nothing else.

#include "storage/checksum.hpp"
#include "tests/storage/schema_1.hpp"
#include "tests/storage/store_support.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <type_traits>
#include <vector>

namespace panal::test {

namespace {

/// A closed store's file, changed behind the store's back.
void damage(const std::string& directory, const std::string& sql) {
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open((directory + "/panal.db").c_str(), &db) == SQLITE_OK);
  char* why = nullptr;
  const auto code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
  INFO((why != nullptr ? why : ""));
  CHECK(code == SQLITE_OK);
  sqlite3_free(why);
  REQUIRE(sqlite3_close(db) == SQLITE_OK);
}

/// Flips a bit of the first or last place in a file where `bytes` stand.
void flip(const std::string& path, const std::string& bytes, bool last) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  const std::string all{std::istreambuf_iterator<char>{file}, {}};
  const auto at = last ? all.rfind(bytes) : all.find(bytes);
  REQUIRE(at != std::string::npos);
  const char flipped = static_cast<char>(bytes.front() ^ 1);
  file.clear();
  file.seekp(static_cast<std::streamoff>(at)).write(&flipped, 1);
  REQUIRE(file.good());
}

struct on_damaged_disk : on_disk {
  /// Closes, changes the file and opens again.
  void damage(const std::string& sql) {
    opened.reset();
    test::damage(directory / "data", sql);
    opened = open_sqlite(directory / "data");
  }
};

struct seen {
  data_set whole;
  std::vector<damaged_row> damage;
};

/// What a start sees: a later whole row stands in for a damaged one.
seen look_at(store& from) {
  seen all;
  const auto done = from.load(
      [&](std::string_view key, std::string_view entry, position at) {
        apply(all.whole, key, entry, at);
        std::erase_if(all.damage, [&](const damaged_row& row) {
          return row.key == key || row.key_sum == key_sum(key);
        });
      },
      [&](const damaged_row& row) { all.damage.push_back(row); });
  INFO((done ? std::string{} : done.error().detail));
  REQUIRE(done.has_value());
  return all;
}

damaged_row entry_damage(position at, const std::string& key) {
  return {damaged::entry, at, key, key_sum(key)};
}

void fold_all(store& s) {
  for (;;) {
    const auto step = s.fold(1'000);
    INFO((step ? std::string{} : step.error().detail));
    REQUIRE(step.has_value());
    if (step->folded == 0)
      return;
  }
}

std::vector<change> read_from(store& s, position after) {
  auto read = s.read_after(after, {});
  INFO((read ? std::string{} : read.error().detail));
  REQUIRE(read.has_value());
  return *read;
}

} // namespace

TEST_CASE("damage to an entry leaves its key known, folded or not") {
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  REQUIRE(s->fold(2)->folded == 2);
  s.damage("UPDATE entries SET entry = x'ff' WHERE key = CAST('b' AS BLOB);"
           "UPDATE journal SET entry = x'ff' WHERE key = CAST('c' AS BLOB)");
  const auto found = look_at(*s);
  CHECK(found.whole == data_set{{"a", {"1", 1}}});
  CHECK(found.damage
        == std::vector{entry_damage(2, "b"), entry_damage(3, "c")});
}

TEST_CASE("damage to anything beside the key is damage to the entry") {
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  SUBCASE("its source") {
    s.damage("UPDATE journal SET source = 9 WHERE position = 2");
  }
  SUBCASE("the lower half of its checksum") {
    s.damage("UPDATE journal SET checksum = checksum + 1 - 2 * (checksum & 1)"
             " WHERE position = 2");
  }
  SUBCASE("its length") {
    s.damage("UPDATE journal SET entry = x'' WHERE position = 2");
  }
  CHECK(look_at(*s).damage == std::vector{entry_damage(2, "b")});
}

TEST_CASE("a row whose key is damaged says what is at hand of the key") {
  on_damaged_disk s;
  put(*s, {{"aa", "1"}, {"bb", "2"}});
  s.damage("UPDATE journal SET key = CAST('bc' AS BLOB) WHERE position = 2");
  const auto found = look_at(*s);
  CHECK(found.whole.size() == 1);
  REQUIRE(found.damage.size() == 1);
  CHECK(found.damage.front()
        == damaged_row{damaged::key, 2, "bc", key_sum("bb")});
}

TEST_CASE("a row at another position is not the row that was written") {
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  REQUIRE(s->fold(2)->folded == 2);
  s.damage("UPDATE entries SET position = -7 WHERE position = 1");
  CHECK(look_at(*s).damage == std::vector{entry_damage(~position{6}, "a")});
}

TEST_CASE("a row that is missing in the journal is told, folded or not") {
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}});
  s.damage("DELETE FROM journal WHERE position = 2");
  const std::vector expected{damaged_row{damaged::missing, 2, {}, 0}};
  CHECK(look_at(*s).damage == expected);
  CHECK(s->read_after(1, {}).error().code == errc::corrupt);
  fold_all(*s);
  CHECK(look_at(*s).damage == expected);
  s.reopen();
  CHECK(look_at(*s).damage == expected);
  CHECK(s->read_after(1, {}).error().code == errc::corrupt);
  CHECK(look_at(*s).whole.size() == 3);
}

TEST_CASE("folding passes a damaged row, folds it over nothing and keeps it") {
  on_damaged_disk s;
  put(*s, {{"a", "old"}, {"b", "1"}});
  REQUIRE(s->fold(2)->folded == 2);
  put(*s, {{"a", "new"}, {"c", "2"}});
  s.damage("UPDATE journal SET entry = x'ff' WHERE position = 3");
  for (auto round = 0; round < 2; ++round) {
    const auto found = look_at(*s);
    CHECK(found.whole.at("a").first == "old");
    CHECK(found.whole.size() == 3);
    CHECK(found.damage == std::vector{entry_damage(3, "a")});
    fold_all(*s);
    CHECK(s->journal_rows() == 0);
    s.reopen();
  }
}

TEST_CASE("what folding meets is told once") {
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}});
  s.damage("UPDATE journal SET entry = x'ff' WHERE position = 2");
  fold_all(*s);
  CHECK(s->take_damage() == std::vector{entry_damage(2, "b")});
  CHECK(s->take_damage().empty());
  CHECK(!s->read_after(1, {}).has_value());
  CHECK(s->take_damage().empty());
}

TEST_CASE_TEMPLATE("a newer row of the key stands in for a damaged one", Folded,
                   std::true_type, std::false_type) {
  constexpr bool folded = Folded::value;
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}});
  if (folded)
    REQUIRE(s->fold(2)->folded == 2);
  SUBCASE("its entry is damaged") {
    s.damage(folded ? "UPDATE entries SET entry = x'ff' WHERE position = 1"
                    : "UPDATE journal SET entry = x'ff' WHERE position = 1");
  }
  SUBCASE("its key is damaged") {
    s.damage(folded ? "UPDATE entries SET key = x'ff' WHERE position = 1"
                    : "UPDATE journal SET key = x'ff' WHERE position = 1");
  }
  put(*s, {{"a", "new"}});
  for (auto round = 0; round < 3; ++round) {
    const auto found = look_at(*s);
    CHECK(found.damage.empty());
    CHECK(found.whole.at("a").first == "new");
    CHECK(found.whole.size() == 2);
    fold_all(*s);
    s.reopen();
  }
  CHECK(read_from(*s, 0)
        == std::vector<change>{{2, "b", "2", 0}, {3, "a", "new", 0}});
}

TEST_CASE("a key that was removed after the damage is gone") {
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}});
  REQUIRE(s->fold(1)->folded == 1);
  s.damage(
      "UPDATE entries SET entry = x'ff'; UPDATE journal SET entry = x'ff'");
  put(*s, {{"a", ""}, {"b", ""}});
  fold_all(*s);
  s.reopen();
  CHECK(look_at(*s).damage.empty());
  CHECK(look_at(*s).whole.empty());
  CHECK(read_from(*s, 0).empty());
}

TEST_CASE_TEMPLATE("nothing is read past a damaged row without a newer one",
                   Folded, std::true_type, std::false_type) {
  constexpr bool folded = Folded::value;
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  if (folded)
    REQUIRE(s->fold(2)->folded == 2);
  s.damage(folded ? "UPDATE entries SET entry = x'ff' WHERE position = 2"
                  : "UPDATE journal SET entry = x'ff' WHERE position = 2");
  CHECK(read_from(*s, 0) == std::vector<change>{{1, "a", "1", 0}});
  CHECK(s->read_after(1, {}).error().code == errc::corrupt);
  CHECK(read_from(*s, 2) == std::vector<change>{{3, "c", "3", 0}});
  // In the damaged row's place stands what has come later.
  put(*s, {{"b", "new"}});
  CHECK(read_from(*s, 1)
        == std::vector<change>{
            {2, "b", "new", 0}, {3, "c", "3", 0}, {4, "b", "new", 0}});
}

TEST_CASE("what stands beside the changes is left out where it is damaged") {
  on_damaged_disk s;
  REQUIRE(s->save_fact(fact::line, 5).has_value());
  REQUIRE(s->save_fact(fact::sealed, 1).has_value());
  REQUIRE(s->save_cursor(7, 2).has_value());
  REQUIRE(s->save_member({7, "node2", "host:1", 0}).has_value());
  REQUIRE(s->add_run({11, 1}).has_value());
  REQUIRE(s->add_run({12, 2}, 7).has_value());
  REQUIRE(s->rebirth(42, {}, std::vector<reissue>{{"a", "1"}},
                     {{fact::line, 5}, {fact::sealed, 1}})
              .has_value());
  REQUIRE(s->save_cursor(7, 2).has_value());
  REQUIRE(s->add_run({11, 1}).has_value());
  auto what = damaged::fact;
  SUBCASE("a fact") {
    s.damage("UPDATE facts SET value = 4 WHERE number = 1");
    CHECK(*s->facts() == fact_map{{fact::sealed, 1}});
  }
  SUBCASE("another fact's number") {
    s.damage("UPDATE facts SET number = 3 WHERE number = 1");
    CHECK(*s->facts() == fact_map{{fact::sealed, 1}});
  }
  SUBCASE("a cursor") {
    what = damaged::cursor;
    s.damage("UPDATE cursors SET acknowledged = 3");
    CHECK(s->cursors()->empty());
  }
  SUBCASE("a member") {
    what = damaged::member;
    s.damage("UPDATE members SET forgotten = 1");
    CHECK(s->members()->empty());
  }
  SUBCASE("a run") {
    what = damaged::run;
    s.damage("UPDATE runs SET reached = 1 WHERE peer = 7");
    CHECK(s->runs()->size() == 1);
  }
  SUBCASE("a run's place among the others") {
    what = damaged::run;
    s.damage("UPDATE runs SET place = 70 WHERE peer = 7");
    CHECK(s->runs()->size() == 1);
  }
  SUBCASE("a write to be issued anew") {
    what = damaged::reissue;
    s.damage("UPDATE reissues SET entry = x'ff'");
    CHECK(s->reissues()->empty());
  }
  CHECK(look_at(*s).damage == std::vector{damaged_row{what, 0, {}, 0}});
}

TEST_CASE("the identity survives damage to one of its two rows") {
  on_damaged_disk s;
  const auto origin = s->origin();
  SUBCASE("the first") {
    s.damage("UPDATE meta SET value = value + 1 WHERE name = 'origin'");
  }
  SUBCASE("the second") {
    s.damage("UPDATE meta SET value = value + 1 WHERE name = 'origin copy'");
  }
  SUBCASE("the name of one") {
    s.damage("UPDATE meta SET name = 'nigiro' WHERE name = 'origin'");
  }
  CHECK(s->origin() == origin);
  s.damage("UPDATE meta SET value = value + 1 WHERE name = 'origin'");
  CHECK(s->origin() == origin);
}

TEST_CASE("without an identity a data directory does not open") {
  temp_directory temp;
  open_sqlite(temp / "data").reset();
  damage(temp / "data", "UPDATE meta SET value = value + 1");
  CHECK(sqlite_store::open({.directory = temp / "data"}).error().code
        == errc::corrupt);
}

TEST_CASE("where folding stands is found again, and that it was lost is told") {
  on_damaged_disk s;
  put(*s, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  REQUIRE(s->fold(2)->folded == 2);
  const auto held = load(*s);
  s.damage("UPDATE meta SET value = 1 WHERE name = 'folded'");
  CHECK(look_at(*s).damage
        == std::vector{damaged_row{damaged::number, 0, {}, 0}});
  CHECK(load(*s) == held);
  CHECK(s->last_position() == 3);
  put(*s, {{"d", "4"}});
  fold_all(*s);
  s.reopen();
  CHECK(look_at(*s).damage.empty());
  CHECK(load(*s).size() == 4);
}

TEST_CASE_TEMPLATE("folding goes on where an index does not fit its table",
                   Last, std::true_type, std::false_type) {
  on_damaged_disk s;
  put(*s, {{"key-aa", "1"}, {"key-bb", "2"}});
  fold_all(*s);
  s.opened.reset();
  // One copy of the key in the file is the table's, the other the index's.
  flip(s.directory / "data/panal.db", "key-aa", Last::value);
  s.opened = open_sqlite(s.directory / "data");
  put(*s, {{"key-aa", "3"}});
  static_cast<void>(look_at(*s));
  static_cast<void>(s->fold(10)); // may find the index out, and mend it
  fold_all(*s);
  s.reopen();
  CHECK(look_at(*s).damage.empty());
  CHECK(look_at(*s).whole
        == data_set{{"key-aa", {"3", 3}}, {"key-bb", {"2", 2}}});
}

TEST_CASE("old rows get their checksums at the first start") {
  temp_directory temp;
  make_schema_1(temp / "data");
  auto s = open_sqlite(temp / "data");
  CHECK(look_at(*s).damage.empty());
  s.reset();
  damage(temp / "data", "UPDATE journal SET entry = x'ff' WHERE position = 3;"
                        "UPDATE cursors SET acknowledged = 4");
  s = open_sqlite(temp / "data");
  CHECK(look_at(*s).damage
        == std::vector{entry_damage(3, "b"),
                       damaged_row{damaged::cursor, 0, {}, 0}});
}

} // namespace panal::test
