// What a rejoin holds in memory beside the live tables.

#include "cluster/rejoin.hpp"
#include "storage/memory_store.hpp"

#include <doctest/doctest.h>
#include <malloc.h>

#include <algorithm>
#include <string>

using namespace panal;

namespace {

constexpr std::size_t row_count = 40'000;
constexpr std::size_t value_bytes = 2'000;
constexpr std::size_t unseen_every = 4'000;

std::size_t heap_bytes() {
  return ::mallinfo2().uordblks;
}

/// A data set of 80 MB that nobody holds: its rows are made while they are
/// read. All are a peer's, but a few that are this node's own.
class vast_store final : public memory_store {
public:
  vast_store() : memory_store{7} {}

  using store::load;
  result<void> load(const visitor& visit,
                    const damage_visitor& /*damage*/) override {
    for (std::size_t i = 0; i < row_count; ++i) {
      const origin_id of = i % unseen_every == 0 ? 7 : 8;
      const auto row =
          encode(entry{{}, {{1, {100 + i, of}, never, false, value_}}});
      visit("key " + std::to_string(i), row, i + 1);
      if (i % 100 == 0)
        peak_ = std::max(peak_, heap_bytes());
    }
    return {};
  }
  position last_position() const override { return row_count; }
  std::size_t journal_rows() const override { return 0; }

  std::size_t peak() const { return peak_; }

private:
  std::string value_ = '"' + std::string(value_bytes, 'x') + '"';
  std::size_t peak_ = 0;
};

} // namespace

TEST_CASE("a rejoin holds what it issues anew, and not the data set") {
  const auto probe = heap_bytes();
  const std::string ballast(1 << 20, 'x');
  if (heap_bytes() < probe + ballast.size()) {
    MESSAGE("skipped: this heap does not say what it holds");
    return;
  }
  vast_store disk;
  const auto before = heap_bytes();
  rejoin_plan plan;
  plan.seen_hlc = 50;
  REQUIRE(rejoin(disk, plan, 9, {7, "node", "host:1", 0}).has_value());
  const auto again = disk.reissues();
  CHECK(again->size() == row_count / unseen_every);
  CHECK(disk.peak() > before);
  CHECK(disk.peak() - before < std::size_t{2} << 20);
}
