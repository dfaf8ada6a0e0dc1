#pragma once

// Keeps what strangers cause from filling the log: of each kind of event only
// so many are logged per interval, and the next line tells how many were not.

#include <chrono>
#include <cstddef>
#include <optional>

namespace panal::log {

/// Counts the events of one kind in windows of a fixed length; a window
/// starts with the first event after the end of the one before. Not
/// thread-safe: its owner asks it from one thread or under its own lock.
class rate_limiter {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Lets `events_per_interval` events pass in each `interval`.
  rate_limiter(std::size_t events_per_interval,
               std::chrono::steady_clock::duration interval)
      : events_per_interval_{events_per_interval}, interval_{interval} {}

  /// Whether an event at `now` may be logged. If so, returns how many were
  /// suppressed since the last one that was, and forgets them; else nothing.
  std::optional<std::size_t> allow(time_point now);

private:
  std::size_t events_per_interval_;
  std::chrono::steady_clock::duration interval_;
  /// Start of the window; nothing before the first event.
  std::optional<time_point> start_;
  std::size_t passed_ = 0;
  std::size_t suppressed_ = 0;
};

} // namespace panal::log
