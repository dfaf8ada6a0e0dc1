#pragma once

// A simulated world: one thread, one queue of events, one source of chance.
// Time passes only from one event to the next, and two runs of one seed are
// the same to the last bit.

#include "cluster/outbound.hpp"
#include "storage/clock.hpp"
#include "tests/simulator/random.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace panal::sim {

/// Microseconds since the world began.
using sim_time = std::int64_t;

inline constexpr sim_time millisecond = 1'000;
inline constexpr sim_time second = 1'000'000;

/// Whom an event happens to; it does not happen when that one has ended, and
/// waits while that one is paused.
using life_id = std::uint32_t;
/// The world itself, which never ends.
inline constexpr life_id nature = 0;

class world {
public:
  explicit world(std::uint64_t seed) : random{seed}, lives_(1) {}

  random_source random;

  sim_time now() const noexcept { return now_; }
  steady_time steady() const noexcept {
    return steady_time{std::chrono::microseconds{now_ + second}};
  }
  /// True time, which nobody in the world can read.
  unix_ms wall() const noexcept { return 1'700'000'000'000 + now_ / 1'000; }

  life_id begin_life();
  void end_life(life_id who) noexcept { lives_[who].ended = true; }
  void pause(life_id who, sim_time until) noexcept;

  /// Lets `what()` happen to `who`. Of two events at one time the one that was
  /// asked for first happens first.
  template <class F>
  void at(sim_time when, life_id who, F what) {
    push(when, who, std::make_unique<task_of<F>>(std::move(what)));
  }

  /// Lets the next event happen, unless it is later than `until`.
  /// @return false if there was none; time is then `until`.
  bool step(sim_time until);

  std::uint64_t events() const noexcept { return events_; }

private:
  struct task {
    virtual ~task() = default;
    virtual void run() = 0;
  };
  template <class F>
  struct task_of final : task {
    explicit task_of(F f) : what{std::move(f)} {}
    void run() override { what(); }
    F what;
  };
  struct life {
    bool ended = false;
    sim_time paused_until = 0;
  };
  struct entry {
    sim_time when;
    std::uint64_t number;
    std::uint32_t slot;
    life_id who;
  };
  static bool later(const entry& a, const entry& b) noexcept {
    return a.when != b.when ? a.when > b.when : a.number > b.number;
  }

  void push(sim_time when, life_id who, std::unique_ptr<task> what);
  void queue(const entry& next);

  sim_time now_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t events_ = 0;
  std::vector<life> lives_;
  std::vector<entry> heap_;
  std::vector<std::unique_ptr<task>> tasks_;
  std::vector<std::uint32_t> free_;
};

/// A node's own clock: the world's, and what it is wrong by.
class sim_clock final : public clock {
public:
  explicit sim_clock(const world& around) : world_{around} {}
  unix_ms now() const noexcept override { return world_.wall() + offset_; }
  void set_offset(unix_ms offset) noexcept { offset_ = offset; }
  unix_ms offset() const noexcept { return offset_; }

private:
  const world& world_;
  unix_ms offset_ = 0;
};

} // namespace panal::sim
