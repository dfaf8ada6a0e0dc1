#pragma once

// A CAF system without threads: messages and timers move when a test says so.

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <chrono>

namespace panal::test {

struct actor_fixture {
  caf::actor_system_config config;
  caf::actor_system system;
  caf::scheduler::test_coordinator& scheduler;

  actor_fixture()
      : system{prepared(config)},
        scheduler{dynamic_cast<caf::scheduler::test_coordinator&>(
            system.scheduler())} {}

  /// Delivers messages until none is left; time stands still.
  void deliver() { scheduler.run(); }

  /// Moves the actors' timers.
  void advance(std::chrono::milliseconds time) {
    scheduler.advance_time(time);
    scheduler.run();
  }

  void stop(caf::actor& who) {
    caf::anon_send_exit(who, caf::exit_reason::kill);
    who = nullptr;
    deliver();
  }

private:
  static caf::actor_system_config& prepared(caf::actor_system_config& config) {
    config.set("scheduler.policy", caf::atom("testing"));
    return config;
  }
};

} // namespace panal::test
