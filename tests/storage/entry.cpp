#include "storage/entry.hpp"

#include "tests/support/seed.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace panal;

namespace {

put_record put(std::int64_t version, std::uint64_t hlc, origin_id origin = 1,
               std::string value = "1") {
  put_record p;
  p.version = version;
  p.at = {hlc, origin};
  p.value = std::move(value);
  return p;
}

entry with(put_record p) {
  return {{}, {std::move(p)}};
}

entry deleted(std::uint64_t hlc, origin_id origin = 1) {
  return {{hlc, origin}, {}};
}

/// Few versions and stamps, so that ties, conflicts and deletes are common.
entry random_entry(std::mt19937_64& random) {
  const auto draw = [&random](std::uint64_t count) { return random() % count; };
  entry state;
  if (draw(3) == 0)
    state = merge(state, deleted(draw(8), 1 + draw(3)));
  for (auto puts = draw(4); puts > 0; --puts) {
    const auto hlc = 1 + draw(8);
    const auto origin = 1 + draw(3);
    // One stamp stands for one put: what it carries follows from the stamp.
    auto p = put(static_cast<std::int64_t>((hlc * 7 + origin * 3) % 5), hlc,
                 origin, std::to_string(hlc * 10 + origin));
    if (draw(4) == 0) {
      p.stripped = true;
      p.value.clear();
    }
    state = merge(state, with(std::move(p)));
  }
  return state;
}

entry merge_all(const std::vector<entry>& states, const stamp& cleared) {
  entry joined;
  for (const auto& state : states)
    joined = merge(joined, state, cleared);
  return joined;
}

/// Folds the states in a random binary tree instead of from the left.
entry merge_grouped(std::vector<entry> states, const stamp& cleared,
                    std::mt19937_64& random) {
  while (states.size() > 1) {
    const auto i = random() % (states.size() - 1);
    states[i] = merge(states[i], states[i + 1], cleared);
    states.erase(states.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  }
  return merge(states.front(), {}, cleared);
}

} // namespace

TEST_CASE("of two puts the higher version wins, whichever came last") {
  const auto joined = merge(with(put(10, 1)), with(put(6, 2)));
  CHECK(winner(encode(joined), 0).version == 10);
  CHECK(joined.frontier.size() == 2);
}

TEST_CASE("a delete kills every put that came before it") {
  const auto joined = merge(with(put(10, 1)), deleted(2));
  CHECK(joined.frontier.empty());
  CHECK(winner(encode(joined), 0).state == presence::absent);
}

TEST_CASE("a put after a delete lives, whatever its version") {
  const auto joined =
      merge(merge(with(put(6, 3)), with(put(10, 1))), deleted(2));
  REQUIRE(joined.frontier.size() == 1);
  CHECK(joined.frontier[0].version == 6);
}

TEST_CASE("the cycle that no one-slot rule survives converges in all orders") {
  std::vector<entry> said{with(put(10, 1, 1)), deleted(2, 2),
                          with(put(6, 3, 3))};
  std::sort(said.begin(), said.end(), [](const entry& a, const entry& b) {
    return newest_stamp(a) < newest_stamp(b);
  });
  const auto expected = merge_all(said, {});
  do {
    CHECK(merge_all(said, {}) == expected);
  } while (std::next_permutation(said.begin(), said.end(),
                                 [](const entry& a, const entry& b) {
                                   return newest_stamp(a) < newest_stamp(b);
                                 }));
  CHECK(winner(encode(expected), 0).version == 6);
}

TEST_CASE("nothing at or below a clear survives it") {
  const auto joined = merge(with(put(1, 5)), with(put(9, 4)), {4, 9});
  REQUIRE(joined.frontier.size() == 1);
  CHECK(joined.frontier[0].at == stamp{5, 1});
}

TEST_CASE("merge gives one result in every order, grouping and repetition") {
  const auto seed = test::print_seed("merge");
  std::mt19937_64 random{seed};
  for (int round = 0; round < 20'000; ++round) {
    std::vector<entry> states;
    for (auto count = 2 + random() % 4; count > 0; --count)
      states.push_back(random_entry(random));
    const stamp cleared{random() % 3 == 0 ? random() % 5 : 0, 0};
    const auto expected = merge_all(states, cleared);
    REQUIRE(merge(expected, expected, cleared) == expected);
    for (int i = 0; i < 4; ++i) {
      auto mixed = states;
      mixed.push_back(states[random() % states.size()]);
      std::shuffle(mixed.begin(), mixed.end(), random);
      REQUIRE(merge_all(mixed, cleared) == expected);
      REQUIRE(merge_grouped(mixed, cleared, random) == expected);
    }
  }
}

TEST_CASE("the merged winner is the highest version after the last delete") {
  const auto seed = test::print_seed("winner");
  std::mt19937_64 random{seed};
  for (int round = 0; round < 5'000; ++round) {
    // An independent model: all operations ever, none forgotten.
    std::vector<put_record> puts;
    stamp last_delete;
    entry joined;
    for (std::uint64_t hlc = 1; hlc <= 8; ++hlc) {
      if (random() % 4 == 0) {
        last_delete = {hlc, 1};
        joined = merge(joined, deleted(hlc));
      } else {
        puts.push_back(put(static_cast<std::int64_t>(random() % 6), hlc));
        joined = merge(with(puts.back()), joined);
      }
    }
    std::int64_t best = -1;
    for (const auto& p : puts)
      if (p.at > last_delete)
        best = std::max(best, p.version);
    const auto seen = winner(encode(joined), 0);
    REQUIRE((seen.state == presence::present) == (best >= 0));
    if (best >= 0)
      REQUIRE(seen.version == best);
  }
}

TEST_CASE("an expired winner hides the key and uncovers nothing") {
  auto high = put(9, 2);
  high.expires_at = 1'000;
  const auto encoded = encode(merge(with(high), with(put(3, 5))));
  CHECK(winner(encoded, 999).state == presence::present);
  CHECK(winner(encoded, 1'000).state == presence::expired);
}

TEST_CASE("a stripped put is expired at any time, and wins over its whole") {
  auto whole = put(1, 2);
  whole.expires_at = 1'000;
  auto bare = whole;
  bare.stripped = true;
  bare.value.clear();
  CHECK(merge(with(whole), with(bare)) == with(bare));
  CHECK(merge(with(bare), with(whole)) == with(bare));
  CHECK(winner(encode(with(bare)), 0).state == presence::expired);
}

TEST_CASE("an encoding reads back as the entry it was made from") {
  const auto seed = test::print_seed("encoding");
  std::mt19937_64 random{seed};
  for (int round = 0; round < 5'000; ++round) {
    const auto state = random_entry(random);
    const auto bytes = encode(state);
    const auto back = decode(bytes);
    REQUIRE(back.has_value());
    REQUIRE(*back == state);
    REQUIRE(newest_stamp(bytes) == newest_stamp(state));
    REQUIRE(floor_of(bytes) == state.floor);
  }
}

TEST_CASE("what is cut short, too long or not in normal form is corrupt") {
  const auto bytes = encode(merge(with(put(3, 4)), with(put(5, 2))));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(decode(bytes.substr(0, size)).has_error());
  CHECK(decode(bytes + '\0').has_error());
  CHECK(decode("\x07\x01").has_error());
  const entry disordered{{}, {put(1, 1), put(5, 2)}};
  CHECK(decode(encode(disordered)).has_error());
}

TEST_CASE("an entry has one encoding: flags and floors say nothing idle") {
  const auto plain = encode(with(put(3, 4)));
  auto flagged = plain;
  flagged[2] = '\x02';
  CHECK(decode(flagged).has_error());
  auto floored = plain;
  floored[0] = static_cast<char>(0x80 | floored[0]);
  floored.insert(2, 16, '\0');
  CHECK(decode(floored).has_error());
}

TEST_CASE("puts beyond what an encoding counts leave the greatest versions") {
  entry odd;
  entry even;
  for (std::int64_t i = 1; i <= 400; ++i) {
    // Each version is written after the next higher one, by somebody else.
    const auto hlc = static_cast<std::uint64_t>(1'000 - i);
    auto& half = i % 2 == 0 ? even : odd;
    half = merge(half, with(put(i, hlc)));
  }
  const auto joined = merge(odd, even);
  CHECK(joined == merge(even, odd));
  CHECK(joined.frontier.size() == frontier_max);
  CHECK(joined.frontier.front().version == 400);
  const auto back = decode(encode(joined));
  REQUIRE(back.has_value());
  CHECK(*back == joined);
}

TEST_CASE("random bytes never read as more than they are") {
  const auto seed = test::print_seed("random bytes");
  std::mt19937_64 random{seed};
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = encode(random_entry(random));
    for (auto flips = random() % 4; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto state = decode(bytes);
    if (state)
      REQUIRE(decode(encode(*state)).has_value());
    winner(bytes, 0);
    newest_stamp(bytes);
  }
}

TEST_CASE("the puts of an encoded entry are read one after the other") {
  const auto seed = test::print_seed("put headers");
  std::mt19937_64 random{seed};
  for (int i = 0; i < 5'000; ++i) {
    auto state = random_entry(random);
    const auto encoded = encode(state);
    put_headers puts{encoded};
    put_header read;
    for (const auto& p : state.frontier) {
      REQUIRE(puts.next(read));
      REQUIRE(read.version == p.version);
      REQUIRE(read.at == p.at);
      REQUIRE(read.expires_at == p.expires_at);
      REQUIRE(read.stripped == p.stripped);
    }
    REQUIRE_FALSE(puts.next(read));
    REQUIRE_FALSE(puts.next(read));
  }
  put_header none;
  CHECK_FALSE(put_headers{{}}.next(none));
}
