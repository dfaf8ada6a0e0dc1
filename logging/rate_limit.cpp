#include "logging/rate_limit.hpp"

#include <utility>

namespace panal::log {

std::optional<std::size_t> rate_limiter::allow(time_point now) {
  if (!start_ || now - *start_ >= interval_) {
    start_ = now;
    passed_ = 0;
  }
  if (passed_ >= events_per_interval_) {
    ++suppressed_;
    return std::nullopt;
  }
  ++passed_;
  return std::exchange(suppressed_, 0);
}

} // namespace panal::log
