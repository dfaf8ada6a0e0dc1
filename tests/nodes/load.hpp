#pragma once

// Load for tests: threads that write what a plan says, tell the recorder, and
// measure how long each answer took.

#include "tests/support/recorder.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace panal::test {

/// `count` times $PANAL_TEST_SCALE (1 if unset), but never below `at_least`.
std::size_t scaled(std::size_t count, std::size_t at_least = 1);

/// The seed of a test: $PANAL_TEST_SEED, or a random one. Printed, so that a
/// failed run can be repeated.
std::uint64_t test_seed(const char* test_name);

/// How long things took.
class latencies {
public:
  void add(steady::duration took) { all_.push_back(took); }
  void add(const latencies& other);
  std::size_t count() const { return all_.size(); }
  /// The smallest that `share` (0.99) of all do not exceed; 0 if none.
  milliseconds percentile(double share) const;

private:
  std::vector<steady::duration> all_;
};

/// One operation to come.
struct planned {
  std::string key;
  /// Index into load_setup::nodes.
  std::size_t node = 0;
  bool is_put = true;
  std::int64_t version = 0;
  std::int64_t ttl_ms = 0;
  /// To wait before it.
  milliseconds pause{0};
};

/// Decides a thread's next operation. Called on that thread.
using plan = std::function<planned(std::mt19937_64& random, std::size_t thread,
                                   std::int64_t step)>;

/// Each thread writes keys of its own, "t<thread>-k<n>", with rising versions,
/// now and then deletes one, and goes from node to node.
plan own_keys(std::size_t keys_per_thread, std::size_t nodes,
              double removes = 0.1);

/// All threads write the same few keys with versions that collide, deletes
/// and short TTLs among them.
plan shared_keys(std::size_t keys, std::size_t nodes, std::int64_t versions,
                 milliseconds pause_max);

struct load_setup {
  std::vector<endpoint> nodes;
  std::size_t threads = 4;
  std::uint64_t seed = 0;
  /// How long a client waits for an answer.
  milliseconds timeout = milliseconds{5'000};
  /// Length of the values, roughly.
  std::size_t value_bytes = 40;
};

/// Writers at work from construction until stop().
class load {
public:
  load(recorder& into, load_setup setup, plan what);
  ~load() { stop(); }
  load(const load&) = delete;
  load& operator=(const load&) = delete;

  /// Lets every thread finish its operation, and joins them.
  void stop();
  /// How many operations were answered so far, with whatever status.
  std::size_t answered() const { return answered_.load(); }
  /// Of the answered ones; after stop().
  const latencies& took() const { return took_; }
  /// Waits until `count` more have been answered.
  bool wait_for_more(std::size_t count, milliseconds limit = patience);

private:
  static constexpr milliseconds patience{20'000};

  void write(std::size_t thread, const std::stop_token& stopping);
  /// @return whether there was an answer.
  bool carry_out(http_client& at, const planned& what,
                 const std::string& value);

  recorder& recorder_;
  load_setup setup_;
  plan plan_;
  std::atomic<std::size_t> answered_{0};
  std::vector<latencies> per_thread_;
  latencies took_;
  std::vector<std::jthread> threads_;
};

/// Puts `count` keys "<prefix><n>" at `to` with this version, from several
/// threads at once. @return how many were not answered with 200.
std::size_t put_many(const std::vector<endpoint>& to, const std::string& prefix,
                     std::size_t count, std::int64_t version);

/// Deletes what put_many wrote. @return how many were not answered with 200.
std::size_t remove_many(const std::vector<endpoint>& to,
                        const std::string& prefix, std::size_t count);

/// The names that put_many wrote.
std::vector<std::string> key_names(const std::string& prefix,
                                   std::size_t count);

/// Asks for one key again and again until stop(), and measures: what other
/// clients notice of what a test does to a node.
class probe {
public:
  explicit probe(endpoint to, std::string key = "probe");
  ~probe() { stop(); }
  probe(const probe&) = delete;
  probe& operator=(const probe&) = delete;

  void stop();
  /// Of the answered ones; after stop().
  const latencies& took() const { return took_; }
  /// Requests without an answer, or answered with a 5xx.
  std::size_t failed() const { return failed_.load(); }
  std::size_t asked() const { return asked_.load(); }

private:
  void run(const std::stop_token& stopping);

  http_client client_;
  std::string key_;
  latencies took_;
  std::atomic<std::size_t> failed_{0};
  std::atomic<std::size_t> asked_{0};
  std::jthread thread_;
};

/// All keys of the recorder whose final state, as `at` tells it, is not
/// allowed, with the reasons. Empty: all is well.
std::string objections(const recorder& by, const endpoint& at);

} // namespace panal::test
