#include "cluster/round.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace std::chrono_literals;

namespace {

constexpr steady_time begin{};

} // namespace

TEST_CASE("a round ends with its last part") {
  rounds<int> open{4};
  open.begin(1, 2, begin + 1s);
  *open.find(1) += 3;
  CHECK_FALSE(open.part_came(1));
  *open.find(1) += 4;
  CHECK(open.part_came(1) == 7);
  CHECK(open.find(1) == nullptr);
  CHECK_FALSE(open.part_came(1)); // nobody waits any more
}

TEST_CASE("a round whose parts do not come is given up at its deadline") {
  rounds<int> open{4};
  open.begin(1, 2, begin + 1s, 5);
  open.begin(2, 1, begin + 3s);
  CHECK(open.give_up(begin + 500ms).empty());
  CHECK(open.give_up(begin + 1s) == std::vector<int>{5});
  CHECK_FALSE(open.part_came(1));
  CHECK(open.part_came(2) == 0);
}

TEST_CASE("of too many rounds the oldest gives way") {
  rounds<int> open{2};
  CHECK_FALSE(open.begin(1, 1, begin + 1s, 10));
  CHECK_FALSE(open.begin(2, 1, begin + 1s, 20));
  CHECK(open.begin(3, 1, begin + 1s, 30) == 10);
  CHECK(open.open() == 2);
  CHECK_FALSE(open.part_came(1));
  CHECK(open.part_came(3) == 30);
}
