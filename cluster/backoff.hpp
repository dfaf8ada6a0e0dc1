#pragma once

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

namespace panal {

/// Exponential backoff with full jitter: each pause is drawn evenly between
/// zero and a bound that doubles (M. Brooker, "Exponential Backoff And
/// Jitter", AWS Architecture Blog, 2015), so that nodes which lost each other
/// at one moment do not dial in step.
class backoff {
public:
  using milliseconds = std::chrono::milliseconds;

  backoff() = default;
  backoff(milliseconds first, milliseconds bound)
      : first_{first}, bound_{bound}, next_{first} {}

  /// The next pause: at least a tenth of the present bound.
  template <class Random>
  milliseconds next(Random& random) {
    const auto limit = std::exchange(next_, std::min(next_ * 2, bound_));
    std::uniform_int_distribution<milliseconds::rep> draw{limit.count() / 10,
                                                          limit.count()};
    return milliseconds{draw(random)};
  }

  void reset() noexcept { next_ = first_; }

private:
  milliseconds first_{200};
  milliseconds bound_{3'000};
  milliseconds next_{first_};
};

} // namespace panal
