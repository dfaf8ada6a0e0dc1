#include "storage/digest_tree.hpp"

#include "storage/entry.hpp"
#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace panal;

namespace {

constexpr std::uint64_t secret = 0x1234'5678'9abc'def0;

put_record put(std::int64_t version, std::uint64_t hlc, origin_id origin = 1,
               unix_ms expires_at = never) {
  return {version, {hlc, origin}, expires_at, false, "\"value\""};
}

std::uint64_t digest(const entry& state, std::uint64_t key = 99) {
  return entry_digest(key, encode(state), secret);
}

/// A data set and the tree of it, kept up as a node does.
struct replica {
  digest_tree tree;
  std::map<std::string, std::string> entries;

  explicit replica(unsigned bits = 2) : tree{bits} {}

  /// An empty entry removes the key.
  void assign(const std::string& key, const std::string& encoded) {
    const auto place = key_digest(key, secret);
    auto& held = entries[key];
    tree.toggle(place, entry_digest(place, held, secret));
    tree.toggle(place, entry_digest(place, encoded, secret));
    held = encoded;
    if (encoded.empty())
      entries.erase(key);
  }
};

/// The leaves in which two trees differ, found by walking down; `asked` counts
/// the nodes whose children were compared.
std::vector<std::size_t> walk(const digest_tree& a, const digest_tree& b,
                              std::size_t& asked) {
  std::vector<std::size_t> differing;
  if (a.root() != b.root())
    differing.push_back(0);
  for (unsigned level = 0; level < digest_tree::levels; ++level) {
    std::vector<std::size_t> next;
    for (auto index : differing) {
      ++asked;
      const auto mine = a.children(level, index);
      const auto theirs = b.children(level, index);
      REQUIRE(mine.size() == a.fan_out());
      for (std::size_t i = 0; i < mine.size(); ++i)
        if (mine[i] != theirs[i])
          next.push_back(index * a.fan_out() + i);
    }
    differing = std::move(next);
  }
  return differing;
}

std::string random_entry(std::mt19937_64& random) {
  entry state;
  for (auto puts = random() % 3; puts > 0; --puts)
    state = merge(
        state, {{}, {put(static_cast<std::int64_t>(random() % 9), random())}});
  return state.frontier.empty() ? std::string{} : encode(state);
}

} // namespace

TEST_CASE("the tree takes 2 MiB, and smaller ones as they say") {
  digest_tree tree;
  CHECK(tree.fan_out() == 64);
  CHECK(tree.leaf_count() == 262'144);
  CHECK(tree.bytes() == 2 * 1024 * 1024);
  CHECK(digest_tree{1}.bytes() == 64);
  CHECK(digest_tree{7}.fan_out() == 128);
}

TEST_CASE("the upper bits of a key's digest name its leaf") {
  const digest_tree tree;
  CHECK(tree.leaf_of(0) == 0);
  CHECK(tree.leaf_of(~std::uint64_t{0}) == 262'143);
  CHECK(tree.leaf_of(std::uint64_t{5} << 46) == 5);
  CHECK(digest_tree{1}.leaf_of(std::uint64_t{5} << 61) == 5);
}

TEST_CASE("what a node does not have has no children") {
  const digest_tree tree{2};
  CHECK(tree.children(0, 0).size() == 4);
  CHECK(tree.children(0, 1).empty());
  CHECK(tree.children(2, 15).size() == 4);
  CHECK(tree.children(2, 16).empty());
  CHECK(tree.children(2, ~std::size_t{0}).empty());
  CHECK(tree.children(3, 0).empty());
  CHECK(tree.children(1'000'000, 0).empty());
}

TEST_CASE("an entry's digest covers what nodes have to agree upon") {
  const entry base{{}, {put(1, 10)}};
  const auto expected = digest(base);
  CHECK(expected != 0);
  CHECK(digest({{}, {put(2, 10)}}) != expected);
  CHECK(digest({{}, {put(1, 11)}}) != expected);
  CHECK(digest({{}, {put(1, 10, 2)}}) != expected);
  CHECK(digest({{}, {put(1, 10, 1, 5)}}) != expected);
  CHECK(digest({{}, {put(1, 10), put(0, 20)}}) != expected);
  CHECK(digest({{}, {put(1, 10), put(0, 20)}})
        != digest({{}, {put(1, 10), put(0, 21)}}));
  CHECK(digest({{}, {put(1, 10), put(0, 20)}})
        != digest({{}, {put(2, 10), put(0, 20)}}));
  CHECK(digest(base, 98) != expected);
  CHECK(entry_digest(99, encode(base), secret + 1) != expected);
  CHECK(key_digest("k", secret) != key_digest("k", secret + 1));
  CHECK(key_digest("k", secret) != key_digest("l", secret));
}

TEST_CASE("an entry's digest leaves out what nodes drop by themselves") {
  const entry base{{}, {put(1, 10), put(0, 20)}};
  const auto expected = digest(base);
  auto floored = base;
  floored.floor = {5, 1};
  CHECK(digest(floored) == expected);
  auto stripped = floored;
  for (auto& each : stripped.frontier) {
    each.stripped = true;
    each.value.clear();
  }
  CHECK(digest(stripped) == expected);
  CHECK(digest({{5, 1}, {}}) == 0);
  CHECK(entry_digest(99, {}, secret) == 0);
}

TEST_CASE("a text that is cut off has a digest all the same") {
  const auto whole = encode({{5, 1}, {put(1, 10), put(0, 20)}});
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(entry_digest(99, whole.substr(0, size), secret)
          != entry_digest(99, whole, secret));
}

TEST_CASE("equal data sets have equal trees, whatever their histories") {
  const auto seed = test::print_seed("digest tree");
  std::mt19937_64 random{seed};
  for (auto round = 0; round < 50; ++round) {
    CAPTURE(round);
    replica a;
    for (auto i = 0; i < 500; ++i)
      a.assign("key" + std::to_string(random() % 100), random_entry(random));
    // The other one's history: other entries first, then those, shuffled.
    replica b;
    for (auto i = 0; i < 100; ++i)
      b.assign("key" + std::to_string(i), random_entry(random));
    std::vector<std::string> keys;
    for (auto i = 0; i < 100; ++i)
      keys.push_back("key" + std::to_string(i));
    std::ranges::shuffle(keys, random);
    for (const auto& key : keys) {
      const auto held = a.entries.find(key);
      b.assign(key, held == a.entries.end() ? std::string{} : held->second);
    }
    REQUIRE(a.entries == b.entries);
    REQUIRE(a.tree.root() == b.tree.root());
    std::size_t asked = 0;
    REQUIRE(walk(a.tree, b.tree, asked).empty());
    REQUIRE(asked == 0);
    for (const auto& key : keys)
      b.assign(key, {});
    REQUIRE(b.tree.root() == digest_tree{2}.root());
  }
}

TEST_CASE("one difference is found by walking down") {
  const auto seed = test::print_seed("digest tree, one difference");
  std::mt19937_64 random{seed};
  replica a{6};
  replica b{6};
  for (auto i = 0; i < 20'000; ++i) {
    const auto made = encode({{}, {put(1, random())}});
    a.assign("key" + std::to_string(i), made);
    b.assign("key" + std::to_string(i), made);
  }
  REQUIRE(a.tree.root() == b.tree.root());
  for (auto round = 0; round < 20; ++round) {
    const auto key = "key" + std::to_string(random() % 20'000);
    b.assign(key, round % 2 == 0 ? encode({{}, {put(2, random())}}) : "");
    std::size_t asked = 0;
    CHECK(walk(a.tree, b.tree, asked)
          == std::vector{a.tree.leaf_of(key_digest(key, secret))});
    CHECK(asked == digest_tree::levels);
    b.assign(key, a.entries.at(key));
    CHECK(a.tree.root() == b.tree.root());
  }
}

TEST_CASE("equal differences of two leaves do not cancel out") {
  const auto seed = test::print_seed("digest tree, two differences");
  std::mt19937_64 random{seed};
  for (auto round = 0; round < 200; ++round) {
    digest_tree a{2};
    digest_tree b{2};
    const auto first = random() % 64;
    const auto second = (first + 1 + random() % 63) % 64;
    const auto difference = random() | 1;
    b.toggle(first << 58, difference);
    b.toggle(second << 58, difference);
    std::size_t asked = 0;
    REQUIRE(walk(a, b, asked)
            == std::vector{std::min(first, second), std::max(first, second)});
    // Two leaves that have changed places.
    a.toggle(first << 58, difference);
    digest_tree c{2};
    c.toggle(second << 58, difference);
    REQUIRE(a.root() != c.root());
  }
}

TEST_CASE("several threads keep one tree") {
  digest_tree together{1};
  digest_tree alone{1};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) {
    const auto toggle_all = [t](digest_tree& tree) {
      std::mt19937_64 random{t};
      for (auto i = 0; i < 20'000; ++i) {
        const auto key = random();
        tree.toggle(key, random());
      }
    };
    threads.emplace_back([&together, toggle_all] { toggle_all(together); });
    toggle_all(alone);
  }
  for (auto& each : threads)
    each.join();
  CHECK(together.root() == alone.root());
}
