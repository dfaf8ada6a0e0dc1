#include "logging/rate_limit.hpp"

#include <doctest/doctest.h>

using namespace panal::log;
using namespace std::chrono_literals;

namespace {

constexpr rate_limiter::time_point start{1h};

} // namespace

TEST_CASE("so many events pass in an interval, the others are counted") {
  rate_limiter x{2, 1s};
  CHECK(x.allow(start) == 0);
  CHECK(x.allow(start + 1ms) == 0);
  CHECK(!x.allow(start + 2ms));
  CHECK(!x.allow(start + 999ms));
  CHECK(x.allow(start + 1s) == 2);
  CHECK(x.allow(start + 1s) == 0);
  CHECK(!x.allow(start + 1s));
}

TEST_CASE("after a quiet time the next event passes and tells the rest") {
  rate_limiter x{1, 1s};
  CHECK(x.allow(start) == 0);
  CHECK(!x.allow(start));
  CHECK(x.allow(start + 1h) == 1);
  CHECK(!x.allow(start + 1h + 999ms));
}

TEST_CASE("a clock that stands still or goes back lets nothing more pass") {
  rate_limiter x{1, 1s};
  CHECK(x.allow(start) == 0);
  CHECK(!x.allow(start));
  CHECK(!x.allow(start - 1min));
}

TEST_CASE("a limiter of nothing lets nothing pass") {
  rate_limiter x{0, 1s};
  CHECK(!x.allow(start));
  CHECK(!x.allow(start + 1h));
}
