#pragma once

#include <algorithm>
#include <chrono>

namespace panal {

/// When something that failed may be tried again: after pauses that double from
/// the least to the most. A success ends them. Not thread-safe.
class retry_pause {
public:
  using time_point = std::chrono::steady_clock::time_point;
  using milliseconds = std::chrono::milliseconds;

  retry_pause() = default;
  retry_pause(milliseconds least, milliseconds most)
      : least_{least}, most_{most}, next_{least} {}

  /// False from a failure until its pause is over.
  bool is_due(time_point now) const noexcept { return now >= at_; }
  /// True from a failure until a success.
  bool is_failing() const noexcept { return at_ != time_point{}; }

  /// @return the pause that begins.
  milliseconds failed(time_point now) noexcept {
    const auto pause = next_;
    at_ = now + pause;
    next_ = std::min(next_ * 2, most_);
    return pause;
  }
  void succeeded() noexcept {
    at_ = {};
    next_ = least_;
  }
  /// Ends the present pause, but not the failing.
  void hurry(time_point now) noexcept { at_ = std::min(at_, now); }

private:
  milliseconds least_{100};
  milliseconds most_{2'000};
  milliseconds next_{least_};
  time_point at_{};
};

} // namespace panal
