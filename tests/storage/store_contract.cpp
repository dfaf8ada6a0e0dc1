// The suite that every implementation of the store passes: the changes.

#include "storage/store.hpp"
#include "tests/storage/store_support.hpp"

namespace panal::test {

TEST_CASE_TEMPLATE("a new store is empty and has an identity", Store,
                   EACH_STORE) {
  Store s;
  Store other;
  CHECK(s->last_position() == 0);
  CHECK(s->journal_rows() == 0);
  CHECK(s->origin() != 0);
  CHECK((s->origin() >> 48) == (other->origin() >> 48));
  CHECK(s->origin() != other->origin());
  CHECK(load(*s).empty());
  CHECK(s->read_after(0, {})->empty());
  CHECK(s->cursors()->empty());
  CHECK(s->members()->empty());
  CHECK(s->facts()->empty());
  CHECK(s->runs()->empty());
  CHECK(s->reissues()->empty());
  CHECK(s->fold(10)->folded == 0);
  auto origin = s->origin();
  s.reopen();
  CHECK(s->origin() == origin);
}

TEST_CASE_TEMPLATE("what was appended is read in order, and after a restart",
                   Store, EACH_STORE) {
  Store s;
  std::vector<change> given{{1, "a", "1", own_change},
                            {2, "b", "2", 0xfedc'0000'0000'0001},
                            {3, "a", "3", 7}};
  REQUIRE(s->append(given).has_value());
  for (auto round : {1, 2}) {
    CAPTURE(round);
    CHECK(s->last_position() == 3);
    CHECK(s->journal_rows() == 3);
    CHECK(*s->read_after(0, {}) == given);
    CHECK(*s->read_after(2, {}) == std::vector{given[2]});
    CHECK(s->read_after(3, {})->empty());
    CHECK(s->read_after(std::uint64_t{1} << 63, {})->empty());
    CHECK(load(*s) == data_set{{"a", {"3", 3}}, {"b", {"2", 2}}});
    s.reopen();
  }
}

TEST_CASE_TEMPLATE("positions out of order change nothing", Store, EACH_STORE) {
  Store s;
  put(*s, {{"a", "1"}});
  auto before = look(*s);
  for (const auto& wrong :
       {std::vector<change>{{1, "b", "2", 0}},
        std::vector<change>{{3, "b", "2", 0}},
        std::vector<change>{{2, "b", "2", 0}, {2, "c", "2", 0}},
        std::vector<change>{{2, "b", "2", 0}, {4, "c", "2", 0}}}) {
    auto done = s->append(wrong);
    REQUIRE(!done.has_value());
    CHECK(done.error().code == errc::storage_failed);
    CHECK(look(*s) == before);
  }
  CHECK(s->append({}).has_value());
  put(*s, {{"b", "2"}});
}

TEST_CASE_TEMPLATE("folding moves the oldest rows and keeps the data set",
                   Store, EACH_STORE) {
  Store s;
  put(*s, {{"b", "1"}, {"a", "2"}, {"b", "3"}, {"c", "4"}, {"b", "5"}});
  auto before = load(*s);
  CHECK(s->fold(3)->folded == 3);
  CHECK(s->journal_rows() == 2);
  CHECK(load(*s) == before);
  s.reopen();
  CHECK(s->journal_rows() == 2);
  CHECK(load(*s) == before);
  CHECK(s->fold(0)->folded == 0);
  CHECK(s->fold(100)->folded == 2);
  CHECK(s->fold(100)->folded == 0);
  CHECK(s->journal_rows() == 0);
  CHECK(load(*s) == before);
  CHECK(s->last_position() == 5);
}

TEST_CASE_TEMPLATE("no position is given twice, though all were folded and "
                   "removed",
                   Store, EACH_STORE) {
  Store s;
  put(*s, {{"a", "1"}, {"a", ""}});
  CHECK(s->fold(100)->folded == 2);
  CHECK(load(*s).empty());
  s.reopen();
  CHECK(s->last_position() == 2);
  CHECK(s->journal_rows() == 0);
  put(*s, {{"b", "3"}});
  CHECK(s->last_position() == 3);
  s.reopen();
  CHECK(s->last_position() == 3);
  CHECK(*s->read_after(0, {}) == std::vector<change>{{3, "b", "3", 0}});
}

TEST_CASE_TEMPLATE("an empty entry removes the folded row", Store, EACH_STORE) {
  Store s;
  put(*s, {{"a", "1"}, {"b", "2"}});
  REQUIRE(s->fold(100)->folded == 2);
  put(*s, {{"a", ""}, {"never there", ""}});
  CHECK(s->read_after(2, {})->size() == 2);
  REQUIRE(s->fold(100)->folded == 2);
  CHECK(load(*s) == data_set{{"b", {"2", 2}}});
  CHECK(s->read_after(2, {})->empty());
  put(*s, {{"a", "5"}});
  REQUIRE(s->fold(100)->folded == 1);
  CHECK(load(*s) == data_set{{"a", {"5", 5}}, {"b", {"2", 2}}});
}

TEST_CASE_TEMPLATE("reading goes on across the end of what was folded", Store,
                   EACH_STORE) {
  Store s;
  REQUIRE(s->append(std::vector<change>{{1, "a", "1", 9},
                                        {2, "b", "2", 9},
                                        {3, "a", "3", 9},
                                        {4, "b", "4", 9},
                                        {5, "c", "5", 9}})
              .has_value());
  REQUIRE(s->fold(3)->folded == 3);
  // Folded: one row a key, at its latest position, and its source forgotten.
  std::vector<change> all{{2, "b", "2", own_change},
                          {3, "a", "3", own_change},
                          {4, "b", "4", 9},
                          {5, "c", "5", 9}};
  auto from = [&](std::size_t i, std::size_t n) {
    auto first = all.begin() + static_cast<std::ptrdiff_t>(i);
    return std::vector(first, first + static_cast<std::ptrdiff_t>(n));
  };
  CHECK(*s->read_after(0, {}) == all);
  CHECK(*s->read_after(2, {}) == from(1, 3));
  CHECK(*s->read_after(3, {}) == from(2, 2));
  CHECK(*s->read_after(0, {.changes_max = 2}) == from(0, 2));
  CHECK(*s->read_after(0, {.changes_max = 3}) == from(0, 3));
  CHECK(*s->read_after(0, {.bytes_max = 6}) == from(0, 3));
  CHECK(*s->read_after(0, {.bytes_max = 7}) == from(0, 3));
  CHECK(*s->read_after(2, {.bytes_max = 3}) == from(1, 1));
  CHECK(*s->read_after(3, {.bytes_max = 0}) == from(2, 1));
  CHECK(s->read_after(0, {.changes_max = 0})->empty());
}

TEST_CASE_TEMPLATE("keys and entries are bytes, NUL among them", Store,
                   EACH_STORE) {
  using namespace std::string_literals;
  Store s;
  auto high = "\xff\x00\xfe"s;
  put(*s, {{"a\0b"s, "x\0y"s}, {"a"s, "\0"s}, {high, high}, {"a\0c"s, "z"s}});
  data_set expected{{"a\0b"s, {"x\0y"s, 1}},
                    {"a"s, {"\0"s, 2}},
                    {high, {high, 3}},
                    {"a\0c"s, {"z"s, 4}}};
  CHECK(load(*s) == expected);
  REQUIRE(s->fold(100)->folded == 4);
  s.reopen();
  CHECK(load(*s) == expected);
  put(*s, {{"a\0b"s, ""s}});
  REQUIRE(s->fold(100)->folded == 1);
  expected.erase("a\0b"s);
  CHECK(load(*s) == expected);
}

TEST_CASE_TEMPLATE("entries of 1 MiB go the whole way", Store, EACH_STORE) {
  Store s;
  std::string big(std::size_t{1} << 20, '\0');
  for (std::size_t i = 0; i < big.size(); ++i)
    big[i] = static_cast<char>(i * 7);
  keys_and_entries all;
  for (auto i = 0; i < 20; ++i)
    all.emplace_back("key" + std::to_string(i), std::to_string(i) + big);
  put(*s, all);
  auto before = load(*s);
  REQUIRE(before.size() == 20);
  CHECK(before["key7"].first == "7" + big);
  CHECK(s->read_after(0, {})->size() == 1);
  std::size_t folded = 0;
  while (auto step = s->fold(1000)->folded)
    folded += step;
  CHECK(folded == 20);
  s.reopen();
  CHECK(load(*s) == before);
  CHECK(s->read_after(0, {})->size() == 1);
}

} // namespace panal::test
