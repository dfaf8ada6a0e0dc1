// The suite that every implementation of the store passes: what is kept
// beside the changes, and the rebirth.

#include "storage/store.hpp"
#include "tests/storage/store_support.hpp"

namespace panal::test {

namespace {

/// A store with some of everything in it.
template <class Store>
void fill(Store& s) {
  put(*s, {{"a", "1"}, {"b", "2"}, {"c", "3"}});
  REQUIRE(s->fold(2)->folded == 2);
  REQUIRE(s->save_cursor(7, 2).has_value());
  REQUIRE(s->save_member({7, "node2", "127.0.0.1:7002"}).has_value());
  REQUIRE(s->save_fact(fact::line, 100).has_value());
  REQUIRE(s->save_fact(fact::sealed, 1).has_value());
  REQUIRE(s->add_run({11, 1}).has_value());
  REQUIRE(s->add_run({12, 2}, 7).has_value());
}

constexpr origin_id fresh = 0xfedc'0000'0000'0001;

} // namespace

TEST_CASE_TEMPLATE("cursors are remembered", Store, EACH_STORE) {
  Store s;
  constexpr origin_id high = 0xffee'0000'0000'0001;
  CHECK(s->save_cursor(high, 10).has_value());
  CHECK(s->save_cursor(2, 0).has_value());
  CHECK(s->save_cursor(high, 12).has_value());
  s.reopen();
  CHECK(*s->cursors() == std::map<origin_id, position>{{2, 0}, {high, 12}});
}

TEST_CASE_TEMPLATE("members are remembered and forgotten", Store, EACH_STORE) {
  Store s;
  member low{1, "node1", "127.0.0.1:7001"};
  member high{0xffee'0000'0000'0001, "node2", "[::1]:7002"};
  member moved{1, "node1", "127.0.0.1:7009", true};
  CHECK(s->save_member(high).has_value());
  CHECK(s->save_member(low).has_value());
  CHECK(*s->members() == std::vector{low, high});
  CHECK(s->save_member(moved).has_value());
  s.reopen();
  CHECK(*s->members() == std::vector{moved, high});
  CHECK(s->remove_member(high.origin).has_value());
  CHECK(s->remove_member(12345).has_value());
  s.reopen();
  CHECK(*s->members() == std::vector{moved});
}

TEST_CASE_TEMPLATE("facts are numbers that are remembered", Store, EACH_STORE) {
  Store s;
  constexpr auto high = ~std::uint64_t{0};
  CHECK(s->save_fact(fact::line, 10).has_value());
  CHECK(s->save_fact(fact::met_run, high).has_value());
  CHECK(s->save_fact(fact::line, 12).has_value());
  CHECK(s->save_fact(fact::sealed, 0).has_value());
  s.reopen();
  CHECK(
      *s->facts()
      == fact_map{{fact::line, 12}, {fact::sealed, 0}, {fact::met_run, high}});
}

TEST_CASE_TEMPLATE("runs are remembered in the order in which they were added",
                   Store, EACH_STORE) {
  Store s;
  constexpr origin_id peer = 0xffee'0000'0000'0001;
  constexpr std::uint64_t high = 0xffff'0000'0000'0000;
  CHECK(s->add_run({high, 10}).has_value());
  CHECK(s->add_run({1, high}, peer).has_value());
  CHECK(s->add_run({3, 12}).has_value());
  // The same number twice, but another node's.
  CHECK(s->add_run({3, 13}, peer).has_value());
  s.reopen();
  CHECK(*s->runs()
        == std::map<origin_id, std::vector<run_record>>{
            {own_change, {{high, 10}, {3, 12}}}, {peer, {{1, high}, {3, 13}}}});
  // Met again: moves to the end.
  CHECK(s->add_run({1, high}, peer).has_value());
  CHECK(s->add_run({1, high}, peer).has_value());
  s.reopen();
  CHECK(s->runs()->at(peer) == std::vector<run_record>{{3, 13}, {1, high}});
}

TEST_CASE_TEMPLATE("the newest runs of each node are remembered", Store,
                   EACH_STORE) {
  Store s;
  CHECK(s->add_run({999, 999}, 7).has_value());
  std::vector<run_record> newest;
  for (std::uint64_t i = 1; i <= runs_max + 3; ++i) {
    CHECK(s->add_run({i, i * 10}).has_value());
    if (i > 3)
      newest.push_back({i, i * 10});
  }
  s.reopen();
  CHECK(s->runs()->at(own_change) == newest);
  CHECK(s->runs()->at(7) == std::vector<run_record>{{999, 999}});
}

TEST_CASE_TEMPLATE("a rebirth leaves members, peers' runs and what is kept",
                   Store, EACH_STORE) {
  Store s;
  fill(s);
  std::vector<change> kept{{1, "c", "3", own_change}, {2, "d", "4", 9}};
  std::vector<reissue> again{{"d", "x"}, {"a", "y"}};
  REQUIRE(
      s->rebirth(fresh, kept, again, {{fact::rejoining, 1}, {fact::met_run, 5}})
          .has_value());
  for (auto round : {1, 2}) {
    CAPTURE(round);
    CHECK(s->origin() == fresh);
    CHECK(s->last_position() == 2);
    CHECK(s->journal_rows() == 2);
    CHECK(*s->read_after(0, {}) == kept);
    CHECK(load(*s) == data_set{{"c", {"3", 1}}, {"d", {"4", 2}}});
    CHECK(s->cursors()->empty());
    CHECK(*s->members() == std::vector<member>{{7, "node2", "127.0.0.1:7002"}});
    CHECK(*s->facts() == fact_map{{fact::rejoining, 1}, {fact::met_run, 5}});
    CHECK(*s->runs()
          == std::map<origin_id, std::vector<run_record>>{{7, {{12, 2}}}});
    CHECK(*s->reissues() == std::vector<reissue>{{"a", "y"}, {"d", "x"}});
    s.reopen();
  }
  put(*s, {{"e", "5"}});
  CHECK(s->fold(100)->folded == 3);
  s.reopen();
  CHECK(s->last_position() == 3);
  CHECK(load(*s)
        == data_set{{"c", {"3", 1}}, {"d", {"4", 2}}, {"e", {"5", 3}}});
}

TEST_CASE_TEMPLATE("a rebirth of everything folded begins at position 1", Store,
                   EACH_STORE) {
  Store s;
  fill(s);
  REQUIRE(s->fold(100)->folded == 1);
  REQUIRE(s->rebirth(fresh, {}, {}, {}).has_value());
  s.reopen();
  CHECK(s->last_position() == 0);
  CHECK(s->journal_rows() == 0);
  CHECK(load(*s).empty());
  CHECK(s->read_after(0, {})->empty());
  CHECK(s->fold(100)->folded == 0);
  put(*s, {{"a", "1"}});
  CHECK(*s->read_after(0, {}) == std::vector<change>{{1, "a", "1", 0}});
}

TEST_CASE_TEMPLATE("reissues wait across rebirths until they are removed",
                   Store, EACH_STORE) {
  using namespace std::string_literals;
  Store s;
  std::vector<reissue> first{{"a", "1"}, {"b\0\xff"s, "\0"s}};
  std::vector<reissue> second{{"c", "3"}, {"a", "4"}};
  REQUIRE(s->rebirth(fresh, {}, first, {}).has_value());
  REQUIRE(s->rebirth(fresh + 1, {}, second, {}).has_value());
  s.reopen();
  CHECK(*s->reissues()
        == std::vector<reissue>{{"a", "4"}, {"b\0\xff"s, "\0"s}, {"c", "3"}});
  CHECK(s->remove_reissue("b\0\xff"s).has_value());
  CHECK(s->remove_reissue("never there").has_value());
  s.reopen();
  CHECK(*s->reissues() == std::vector<reissue>{{"a", "4"}, {"c", "3"}});
}

TEST_CASE_TEMPLATE("reissues are read by key, as many as are asked for", Store,
                   EACH_STORE) {
  Store s;
  const std::vector<reissue> all{{"a", "1"}, {"b", "22"}, {"c", "3"}};
  REQUIRE(s->rebirth(fresh, {}, all, {}).has_value());
  CHECK(*s->reissues({}, {2, 100})
        == std::vector<reissue>{{"a", "1"}, {"b", "22"}});
  CHECK(*s->reissues({}, {3, 3}) == std::vector<reissue>{{"a", "1"}});
  CHECK(*s->reissues({}, {3, 1}) == std::vector<reissue>{{"a", "1"}});
  CHECK(*s->reissues("a", {1, 100}) == std::vector<reissue>{{"b", "22"}});
  CHECK(s->reissues("c", {1, 100})->empty());
  CHECK(*s->reissue_of("b") == "22");
  CHECK(s->reissue_of("d")->empty());
}

TEST_CASE_TEMPLATE("a rebirth takes its reissues from what goes", Store,
                   EACH_STORE) {
  Store s;
  fill(s);
  const auto give = [&](const reissue_sink& add) {
    return s->load([&](std::string_view key, std::string_view entry, position) {
      add({std::string{key}, std::string{entry}});
    });
  };
  REQUIRE(s->rebirth_from(fresh, {}, give, {}).has_value());
  s.reopen();
  CHECK(load(*s).empty());
  CHECK(*s->reissues()
        == std::vector<reissue>{{"a", "1"}, {"b", "2"}, {"c", "3"}});
}

TEST_CASE_TEMPLATE("a rebirth whose reissues cannot be made changes nothing",
                   Store, EACH_STORE) {
  Store s;
  fill(s);
  const auto before = look(*s);
  const auto give = [&](const reissue_sink& add) -> result<void> {
    add({"a", "1"});
    return error{errc::corrupt, "no entry"};
  };
  const auto done = s->rebirth_from(fresh, {}, give, {});
  REQUIRE(!done.has_value());
  CHECK(done.error().code == errc::corrupt);
  CHECK(look(*s) == before);
  CHECK(s->reissues()->empty());
}

TEST_CASE_TEMPLATE("facts that belong together are saved together", Store,
                   EACH_STORE) {
  Store s;
  fill(s);
  REQUIRE(
      s->save_facts({{fact::cluster_born, 5}, {fact::line, 200}}).has_value());
  s.reopen();
  CHECK(*s->facts()
        == fact_map{
            {fact::line, 200}, {fact::sealed, 1}, {fact::cluster_born, 5}});
}

TEST_CASE_TEMPLATE("a rebirth that makes no sense changes nothing", Store,
                   EACH_STORE) {
  Store s;
  fill(s);
  auto before = look(*s);
  std::vector<change> gap{{1, "a", "1", 0}, {3, "b", "2", 0}};
  std::vector<change> late{{4, "a", "1", 0}};
  for (const auto& refused :
       {s->rebirth(fresh, gap, {}, {}), s->rebirth(fresh, late, {}, {}),
        s->rebirth(own_change, {}, {}, {}),
        s->rebirth(local_change, {}, {}, {})}) {
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == errc::storage_failed);
  }
  CHECK(look(*s) == before);
}

TEST_CASE_TEMPLATE("a flushed append is an append", Store, EACH_STORE) {
  Store s;
  auto changes = next_changes(*s, {{"a", "1"}, {"b", "2"}});
  std::vector<const change*> rows{&changes[0], &changes[1]};
  CHECK(s->append_all(rows, true).has_value());
  CHECK(!s->append_all(rows, true).has_value());
  put(*s, {{"c", "3"}});
  s.reopen();
  CHECK(load(*s)
        == data_set{{"a", {"1", 1}}, {"b", {"2", 2}}, {"c", {"3", 3}}});
}

} // namespace panal::test
