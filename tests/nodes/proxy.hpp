#pragma once

// A network that can be told to fail: a TCP relay between two nodes. A node
// that is to be reached through it advertises the relay's address.

#include "tests/support/http_client.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <thread>

namespace panal::test {

class proxy {
public:
  /// Listens at once, on an address of this test; relays nothing before
  /// forward_to().
  proxy();
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  endpoint address() const { return address_; }
  /// Where connections made from now on are relayed to.
  void forward_to(endpoint target);
  /// Closes all connections, both sides.
  void cut();
  /// True: takes connections and closes them at once.
  void refuse(bool on) { refuses_ = on; }
  /// True: keeps all connections but relays nothing, either way. Bytes that
  /// wait are relayed once it is off again.
  void hold(bool on) { holds_ = on; }
  /// Relays at most so many bytes a second each way; 0: as many as come.
  void limit(std::size_t bytes_per_second) { rate_ = bytes_per_second; }
  /// How many bytes were given on so far, either way.
  std::size_t passed() const { return passed_.load(); }
  /// The first bytes that the latest connection's dialler sent.
  std::string captured();
  /// How many connections were relayed so far.
  std::size_t relayed() const { return relayed_.load(); }

private:
  using clock = std::chrono::steady_clock;
  struct budget {
    clock::time_point counted_at = clock::now();
    double bytes = 0;
  };
  struct relay {
    unique_fd near_side;
    unique_fd far_side;
    std::string to_far;
    std::string to_near;
    /// What may be given on until then, where there is a rate.
    budget far_budget;
    budget near_budget;
  };
  static constexpr std::size_t captured_bytes_max = 4096;

  void run(const std::stop_token& stopping);
  void accept_one();
  /// Moves what can be moved. @return false when an end has closed.
  bool pump(relay& one);
  /// How much of `waiting` bytes may be given on now.
  std::size_t allowed(budget& left, std::size_t waiting) const;

  unique_fd listener_;
  endpoint address_;
  std::mutex mutex_;
  endpoint target_;
  std::string captured_;
  std::list<relay> relays_;
  std::atomic<bool> refuses_{false};
  std::atomic<bool> holds_{false};
  std::atomic<std::size_t> rate_{0};
  std::atomic<std::size_t> passed_{0};
  std::atomic<bool> cuts_{false};
  std::atomic<std::size_t> relayed_{0};
  std::jthread thread_;
};

} // namespace panal::test
