// Two replicas over links that carry so many bytes a second, and stop or end:
// on simulated clocks, with what a real node's membership takes for life.

#include "cluster/replica.hpp"
#include "storage/entry.hpp"
#include "tests/cluster/rated_pair.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

using namespace panal;
using namespace std::chrono_literals;
using test::rated_pair;

namespace {

constexpr std::size_t kib = 1'024;
constexpr std::size_t mib = 1'024 * kib;

std::chrono::milliseconds transfer(std::size_t bytes, std::size_t rate) {
  return std::chrono::milliseconds{1'000 * bytes / rate};
}

/// Writes a large value, and then small ones until it has arrived.
/// @return the longest time that a small one took.
std::chrono::milliseconds write_beside(rated_pair& pair, std::size_t bytes,
                                       std::chrono::milliseconds pause) {
  pair.write("large", std::string(bytes, 'x'));
  for (int i = 0; !pair.arrived("large") && !pair.is_cut(); ++i) {
    pair.write("small" + std::to_string(i), "value");
    pair.run_for(pause);
  }
  pair.run_for(3s);
  return pair.longest("small");
}

} // namespace

TEST_CASE("4 MiB arrive over 64 KiB/s, small keys between their pieces") {
  rated_pair pair{64 * kib};
  pair.run_for(1s);
  const auto small = write_beside(pair, 4 * mib, 100ms);
  REQUIRE_FALSE(pair.is_cut());
  REQUIRE(pair.arrived("large"));
  const auto took = pair.longest("large");
  MESSAGE("4 MiB took " << took.count() << " ms, a small key at most "
                        << small.count() << " ms");
  CHECK(took < transfer(4 * mib, 64 * kib) * 3 / 2);
  CHECK(small < 2'500ms);
  CHECK(pair.longest_silence() < 2s);
  // Neither cursor nor mark passed it before it was there.
  CHECK(pair.cursor_before("large") < pair.place_of("large"));
  CHECK(pair.cursor() > pair.place_of("large"));
}

TEST_CASE("1 MB over 0.4 MB/s and 30 MB over 8 MB/s arrive") {
  for (const auto& [bytes, rate] :
       {std::pair{1'000'000, 400'000}, std::pair{30'000'000, 8'000'000}}) {
    rated_pair pair{static_cast<std::size_t>(rate)};
    pair.run_for(1s);
    const auto size = static_cast<std::size_t>(bytes);
    const auto small = write_beside(pair, size, 20ms);
    REQUIRE(pair.arrived("large"));
    CHECK_FALSE(pair.is_cut());
    MESSAGE(bytes << " bytes took " << pair.longest("large").count()
                  << " ms, a small key at most " << small.count() << " ms");
    CHECK(pair.longest("large")
          < transfer(size, static_cast<std::size_t>(rate)) * 3 / 2);
    CHECK(small < 1s);
  }
}

TEST_CASE("many large values arrive one after the other") {
  rated_pair pair{512 * kib};
  pair.run_for(1s);
  for (int i = 0; i < 40; ++i)
    pair.write("large" + std::to_string(i), std::string(mib, 'x'));
  pair.write("last", "value");
  pair.run_for(transfer(40 * mib, 512 * kib) * 3 / 2);
  CHECK_FALSE(pair.is_cut());
  CHECK(pair.arrived("large39"));
  CHECK(pair.arrived("last"));
  CHECK(pair.cursor() == pair.place_of("last"));
}

TEST_CASE("an entry of two values of 64 MiB arrives as it is") {
  const auto put = [](std::uint64_t hlc, std::int64_t version, char fill) {
    entry state;
    state.frontier.push_back(
        {version, {hlc, hlc}, never, false, std::string(64 * mib, fill)});
    return state;
  };
  const auto both = encode(merge(put(10, 2, 'a'), put(11, 1, 'b')));
  REQUIRE(both.size() > 128 * mib);
  replica_config config;
  config.streams_bytes_max = 255 * (64 * mib + 16 * kib);
  rated_pair pair{256 * mib, config};
  pair.run_for(1s);
  pair.write("frontier", both);
  pair.run_for(5s);
  CHECK_FALSE(pair.is_cut());
  REQUIRE(pair.arrived("frontier"));
  CHECK(pair.value("frontier") == both);
}

TEST_CASE("a link that stops in the middle of an entry is cut") {
  rated_pair pair{mib};
  pair.run_for(1s);
  pair.write("large", std::string(8 * mib, 'x'));
  pair.run_for(2s);
  REQUIRE_FALSE(pair.arrived("large"));
  pair.stop_bytes();
  pair.run_for(9s);
  CHECK_FALSE(pair.is_cut()); // a real one is, by the silence
  pair.run_for(3s);
  CHECK(pair.is_cut());
}

TEST_CASE("a peer that takes all and merges nothing is cut in the end") {
  rated_pair pair{mib};
  pair.run_for(1s);
  pair.hold_merges();
  pair.write("large", std::string(mib, 'x'));
  // As if it came at 16 KiB/s, and once again.
  pair.run_for(60s);
  CHECK_FALSE(pair.is_cut());
  pair.run_for(90s);
  CHECK(pair.is_cut());
}

TEST_CASE("after a cut in the middle of an entry it comes over the next link") {
  rated_pair pair{mib};
  pair.run_for(1s);
  pair.write("large", std::string(4 * mib, 'x'));
  pair.run_for(2s);
  REQUIRE_FALSE(pair.arrived("large"));
  pair.link_anew();
  pair.write("large", std::string(4 * mib, 'y'));
  pair.run_for(14s);
  REQUIRE(pair.arrived("large"));
  CHECK(pair.value("large") == std::string(4 * mib, 'y'));
  CHECK_FALSE(pair.is_cut());
  CHECK(pair.cursor() == pair.place_of("large"));
}

TEST_CASE("a deferred change that is refused comes again") {
  rated_pair pair{mib};
  pair.run_for(1s);
  pair.refuse_merges(3);
  pair.write("before", "value");
  pair.write("large", std::string(mib / 2, 'x'));
  pair.write("behind", "value");
  pair.run_for(12s);
  CHECK(pair.arrived("large"));
  CHECK(pair.arrived("behind"));
  CHECK(pair.cursor() == pair.place_of("behind"));
  CHECK_FALSE(pair.is_cut());
}

TEST_CASE("a stream over the node's bound cuts the link as faulty") {
  replica_config config;
  config.streams_bytes_max = mib;
  rated_pair pair{8 * mib, config};
  pair.run_for(1s);
  pair.write("large", std::string(mib + 1, 'x'));
  pair.run_for(2s);
  CHECK(pair.is_cut());
  CHECK_FALSE(pair.arrived("large"));
}
