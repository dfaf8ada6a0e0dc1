#pragma once

// Clients at work on all nodes at once, and what they were told.

#include "tests/torture/operation.hpp"

#include <atomic>
#include <deque>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace panal::torture {

struct workload_setup {
  std::vector<endpoint> nodes;
  std::uint64_t seed = 0;
  /// Ends after so many operations.
  std::size_t operations = 5'000;
  /// The time over which they are spread, if the nodes answer; 0: as fast as
  /// they do.
  milliseconds spread{0};
  std::size_t threads_per_node = 4;
  std::size_t keys = 200;
  /// "<prefix>k<n>".
  std::string key_prefix;
  /// How long a client waits for an answer.
  milliseconds timeout{500};
  /// Shares of all operations; the rest are puts.
  double gets = 0.35;
  double removes = 0.12;
  /// The share of puts that expire.
  double expiring = 0.2;
  /// Values are up to so much longer than they must be.
  std::size_t value_bytes = 60;
};

class workload {
public:
  explicit workload(workload_setup setup);
  ~workload() { stop(); }
  workload(const workload&) = delete;
  workload& operator=(const workload&) = delete;

  /// How many operations have ended so far.
  std::size_t done() const { return done_.load(); }
  bool finished() const { return done_.load() >= setup_.operations; }
  /// Lets every client finish its operation.
  void stop();
  /// What was done; after stop().
  history take();
  std::vector<std::string> keys() const;

private:
  void work(std::size_t thread, const std::stop_token& stopping);
  /// Waits until it is time for operation number `index`.
  void wait_for_turn(std::size_t index) const;
  operation draw(std::mt19937_64& random, std::size_t thread, std::size_t step);
  std::int64_t draw_version(std::mt19937_64& random, std::size_t key);

  workload_setup setup_;
  /// Of each key, the highest version that was put so far.
  std::deque<std::atomic<std::int64_t>> versions_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> done_{0};
  time_point began_ = steady::now();
  std::vector<history> per_thread_;
  std::vector<std::jthread> threads_;
};

/// Carries one operation out and takes the answer over.
void carry_out(operation& which, test::http_client& by);

/// Gets all keys at all nodes, as operations: what they show in the end.
/// Where they differ, reads again: a key may expire between two reads.
history read_settled(const std::vector<endpoint>& nodes,
                     const std::vector<std::string>& keys);
/// The same at one node, once.
history read_all_at(std::size_t node, const endpoint& at,
                    const std::vector<std::string>& keys);

} // namespace panal::torture
