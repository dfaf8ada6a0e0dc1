#include "storage/hybrid_clock.hpp"

#include <algorithm>

namespace panal {

hybrid_clock::hybrid_clock(origin_id origin, const clock& time)
    : origin_{origin}, time_{time} {
  // nop
}

stamp hybrid_clock::tick(const stamp& held) noexcept {
  const auto floor = std::max(hlc_at(time_.now()), held.hlc + 1);
  auto last = last_.load(std::memory_order_relaxed);
  for (;;) {
    const auto next = std::max(floor, last + 1);
    if (last_.compare_exchange_weak(last, next, std::memory_order_relaxed))
      return {next, origin_};
  }
}

void hybrid_clock::observe(const stamp& heard) noexcept {
  auto last = last_.load(std::memory_order_relaxed);
  while (last < heard.hlc
         && !last_.compare_exchange_weak(last, heard.hlc,
                                         std::memory_order_relaxed)) {
    // nop
  }
}

std::uint64_t hybrid_clock::promise() noexcept {
  return tick({}).hlc;
}

bool hybrid_clock::is_far_ahead(const stamp& at) const noexcept {
  return time_of(at) > time_.now() + stamp_ahead_max_ms;
}

} // namespace panal
