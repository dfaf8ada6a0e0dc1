#pragma once

// Full load on some nodes, measured in windows: how long clients wait. The
// same keys all over again, so that the nodes' data stays as it is.

#include "tests/support/http_client.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace panal::torture {

struct pressure_setup {
  std::vector<test::endpoint> nodes;
  std::size_t threads_per_node = 8;
  std::size_t keys = 5'000;
  std::size_t value_bytes = 1'000;
};

class pressure {
public:
  explicit pressure(pressure_setup setup);
  ~pressure() { stop(); }
  pressure(const pressure&) = delete;
  pressure& operator=(const pressure&) = delete;

  /// From now on answers belong to a new window. @return its number.
  std::size_t open_window();
  /// From now on nothing is measured.
  void close_window() { window_ = 0; }
  /// Clients wait, or go on.
  void pause(bool on) { paused_ = on; }
  void stop();

  struct figures {
    std::size_t answers = 0;
    std::size_t failures = 0;
    double p50_us = 0;
    double p99_us = 0;
  };
  /// Of a window; after stop().
  figures of_window(std::size_t number) const;
  std::size_t done() const { return done_.load(); }
  std::vector<std::string> keys() const;

private:
  struct measured {
    std::vector<std::uint32_t> took_us;
    std::size_t failures = 0;
  };
  void work(std::size_t thread, const std::stop_token& stopping);

  pressure_setup setup_;
  std::atomic<std::size_t> window_{0};
  std::size_t windows_ = 0;
  std::atomic<bool> paused_{false};
  std::atomic<std::size_t> done_{0};
  std::atomic<std::int64_t> version_{0};
  /// By thread, then by window; window 0 stays empty.
  std::vector<std::vector<measured>> measured_;
  std::vector<std::jthread> threads_;
};

} // namespace panal::torture
