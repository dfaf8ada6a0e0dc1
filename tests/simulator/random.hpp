#pragma once

#include <cstdint>
#include <limits>

namespace panal::sim {

/// xoshiro256** (Blackman and Vigna, 2018): all that a simulated world draws
/// comes from one of these, so that its seed says everything about it.
class random_source {
public:
  using result_type = std::uint64_t;

  explicit random_source(std::uint64_t seed) noexcept {
    for (auto& word : state_) {
      seed += 0x9e3779b97f4a7c15U; // splitmix64
      auto mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9U;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebU;
      word = mixed ^ (mixed >> 31);
    }
  }

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept {
    return std::numeric_limits<result_type>::max();
  }

  result_type operator()() noexcept {
    const auto drawn = rotate(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return drawn;
  }

  /// Evenly in [0, count); 0 for a count of 0.
  std::uint64_t below(std::uint64_t count) noexcept {
    return count == 0 ? 0 : (*this)() % count;
  }
  /// Evenly in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high) noexcept {
    return low
           + static_cast<std::int64_t>(
               below(static_cast<std::uint64_t>(high - low) + 1));
  }
  /// True with this probability.
  bool chance(double probability) noexcept {
    return static_cast<double>((*this)() >> 11) * 0x1.0p-53 < probability;
  }

private:
  static std::uint64_t rotate(std::uint64_t x, int by) noexcept {
    return (x << by) | (x >> (64 - by));
  }

  std::uint64_t state_[4];
};

} // namespace panal::sim
