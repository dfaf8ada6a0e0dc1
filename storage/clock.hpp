#pragma once

// Wall-clock time, injected everywhere: nothing that decides asks the system.

#include <atomic>
#include <cstdint>
#include <limits>

namespace panal {

/// Milliseconds since the Unix epoch, UTC.
using unix_ms = std::int64_t;

/// The expiry of an entry that never expires.
inline constexpr unix_ms never = std::numeric_limits<unix_ms>::max();

/// Source of the current time. Thread-safe.
class clock {
public:
  virtual ~clock() = default;
  /// The current time in milliseconds since the Unix epoch.
  virtual unix_ms now() const noexcept = 0;
};

/// The machine's own clock.
class system_clock final : public clock {
public:
  unix_ms now() const noexcept override;
};

/// A clock that moves only when it is told to, for tests.
class manual_clock final : public clock {
public:
  explicit manual_clock(unix_ms start = 1'700'000'000'000) : now_{start} {}
  unix_ms now() const noexcept override { return now_.load(); }
  void set(unix_ms t) noexcept { now_.store(t); }
  void advance(unix_ms by) noexcept { now_.fetch_add(by); }

private:
  std::atomic<unix_ms> now_;
};

} // namespace panal
