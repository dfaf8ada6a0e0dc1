#pragma once

// What the tests of the stores share.

#include "storage/memory_store.hpp"
#include "storage/sqlite_store.hpp"
#include "tests/support/temp_directory.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace panal::test {

/// Opens what a test expects to open.
inline std::unique_ptr<store> open_sqlite(const std::string& directory,
                                          durability level = durability::disk) {
  auto opened = sqlite_store::open(
      {.directory = directory, .level = level, .node_name = "node1"});
  INFO((opened ? std::string{} : opened.error().detail));
  REQUIRE(opened.has_value());
  return std::move(*opened);
}

/// A store without a file, for TEST_CASE_TEMPLATE.
struct in_memory {
  std::unique_ptr<store> opened = std::move(*memory_store::open("node1"));

  /// Nothing would be left.
  void reopen() {}
  store* operator->() const { return opened.get(); }
  store& operator*() const { return *opened; }
};

/// A store in a directory of its own, for TEST_CASE_TEMPLATE.
struct on_disk {
  temp_directory directory;
  std::unique_ptr<store> opened = open_sqlite(directory / "data");

  /// Closes and opens again, as a restart does.
  void reopen() {
    opened.reset();
    opened = open_sqlite(directory / "data");
  }
  store* operator->() const { return opened.get(); }
  store& operator*() const { return *opened; }
};

/// The stores that pass the suite, for TEST_CASE_TEMPLATE.
#define EACH_STORE panal::test::in_memory, panal::test::on_disk

using keys_and_entries = std::vector<std::pair<std::string, std::string>>;

/// The changes that come next in `to`.
inline std::vector<change> next_changes(const store& to,
                                        const keys_and_entries& states) {
  std::vector<change> made;
  auto at = to.last_position();
  for (const auto& [key, entry] : states)
    made.push_back({++at, key, entry, own_change});
  return made;
}

/// Appends, and demands success.
inline void put(store& to, const keys_and_entries& states) {
  auto done = to.append(next_changes(to, states));
  INFO((done ? std::string{} : done.error().detail));
  REQUIRE(done.has_value());
}

/// The data set: the newest entry of each key and its position.
using data_set = std::map<std::string, std::pair<std::string, position>>;

inline void apply(data_set& to, std::string_view key, std::string_view entry,
                  position at) {
  if (entry.empty())
    to.erase(std::string{key});
  else
    to[std::string{key}] = {std::string{entry}, at};
}

inline data_set load(store& from) {
  data_set all;
  auto done = from.load([&](std::string_view key, std::string_view entry,
                            position at) { apply(all, key, entry, at); });
  REQUIRE(done.has_value());
  return all;
}

/// Everything that can be asked of a store, for "nothing has changed".
struct snapshot {
  position last = 0;
  std::size_t journal = 0;
  data_set loaded;
  std::vector<change> changes;
  origin_id origin = 0;
  std::map<origin_id, position> cursors;
  std::vector<member> members;
  fact_map facts;
  std::map<origin_id, std::vector<run_record>> runs;
  std::vector<reissue> reissues;

  friend bool operator==(const snapshot&, const snapshot&) = default;
};

inline snapshot look(store& at) {
  auto changes = at.read_after(0, {1'000'000, std::size_t{1} << 30});
  REQUIRE(changes.has_value());
  return {at.last_position(), at.journal_rows(), load(at),      *changes,
          at.origin(),        *at.cursors(),     *at.members(), *at.facts(),
          *at.runs(),         *at.reissues()};
}

/// A seed that a failing test prints; PANAL_SEED repeats it.
inline std::uint64_t draw_seed() {
  if (auto given = std::getenv("PANAL_SEED"))
    return std::strtoull(given, nullptr, 10);
  return std::random_device{}();
}

} // namespace panal::test

namespace doctest {

template <>
struct StringMaker<panal::change> {
  static String convert(const panal::change& x) {
    auto text = std::to_string(x.at) + ":" + x.key + "=" + x.entry.substr(0, 40)
                + "@" + std::to_string(x.source);
    return {text.data(), static_cast<unsigned>(text.size())};
  }
};

} // namespace doctest
