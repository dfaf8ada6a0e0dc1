// simulate --seeds N [--first S|random] [--jobs J] | --seed S
//
// Runs whole clusters in simulated worlds, one for each seed, and says what
// is wrong with any. Exit status 1 if anything is. `--first random` draws
// where to begin, and prints it before anything can go wrong.

#include "storage/key_hash.hpp"
#include "tests/simulator/cluster.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace panal::sim;
using namespace std::string_view_literals;
using steady = std::chrono::steady_clock;

struct settings {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1'000;
  std::uint64_t one = 0;
  unsigned jobs = 2;
};

struct totals {
  std::mutex mutex;
  std::map<std::string, std::uint64_t> by_kind;
  std::atomic<std::uint64_t> done = 0;
  std::atomic<std::uint64_t> failures = 0;
  std::atomic<std::uint64_t> operations = 0;
  std::atomic<std::uint64_t> events = 0;
};

constexpr auto progress_pause = std::chrono::milliseconds{1'000};
constexpr std::uint64_t failures_shown = 10;

void work(const settings& asked, std::atomic<std::uint64_t>& next,
          totals& sum) {
  for (;;) {
    const auto seed = next++;
    if (seed >= asked.first + asked.seeds)
      return;
    const auto found = cluster{seed, false}.run();
    sum.operations += found.operations;
    sum.events += found.events;
    if (!found.violation.empty()) {
      std::lock_guard guard{sum.mutex};
      ++sum.failures;
      if (++sum.by_kind[found.violation.substr(0, found.violation.find(':'))]
          <= failures_shown)
        std::printf("\nmake simulate SEED=%llu   # %s\n",
                    static_cast<unsigned long long>(seed),
                    found.violation.c_str());
    }
    ++sum.done;
  }
}

void show(const settings& asked, const totals& sum, steady::time_point since) {
  const auto seconds =
      std::chrono::duration<double>(steady::now() - since).count();
  const auto done = static_cast<double>(sum.done.load());
  const auto part = done / static_cast<double>(asked.seeds);
  constexpr int width = 30;
  std::string bar(width, '.');
  for (int i = 0; i < static_cast<int>(part * width); ++i)
    bar[static_cast<std::size_t>(i)] = '#';
  std::fprintf(
      stderr, "\r[%s] %.0f of %llu seeds, %.0f/s, %llu wrong, %.0f s left ",
      bar.c_str(), done, static_cast<unsigned long long>(asked.seeds),
      done / seconds, static_cast<unsigned long long>(sum.failures.load()),
      part > 0 ? seconds / part - seconds : 0.0);
}

int run_all(const settings& asked) {
  totals sum;
  std::atomic<std::uint64_t> next = asked.first;
  const auto since = steady::now();
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < asked.jobs; ++i)
    workers.emplace_back([&] { work(asked, next, sum); });
  const bool is_terminal = ::isatty(STDERR_FILENO) == 1;
  while (is_terminal && sum.done < asked.seeds) {
    show(asked, sum, since);
    std::this_thread::sleep_for(progress_pause);
  }
  for (auto& worker : workers)
    worker.join();
  const auto seconds =
      std::chrono::duration<double>(steady::now() - since).count();
  std::printf("\n%llu seeds (from %llu), %llu operations, %llu events:",
              static_cast<unsigned long long>(sum.done.load()),
              static_cast<unsigned long long>(asked.first),
              static_cast<unsigned long long>(sum.operations.load()),
              static_cast<unsigned long long>(sum.events.load()));
  for (const char* kind :
       {"lost", "differing", "resurrected", "expired", "invented", "early",
        "stale", "409 lies", "line", "unsafe", "memory", "link"})
    std::printf(" %llu %s,", static_cast<unsigned long long>(sum.by_kind[kind]),
                kind);
  std::printf(" in %.1f s (%.0f/s)\n", seconds,
              static_cast<double>(sum.done.load()) / seconds);
  return sum.failures == 0 ? 0 : 1;
}

/// Seeds that nobody has run, in all likelihood.
std::uint64_t draw_first() {
  std::random_device device;
  const auto first = (std::uint64_t{device()} << 12 | device() >> 20) + 1;
  std::printf("seeds from %llu on\n", static_cast<unsigned long long>(first));
  std::fflush(stdout);
  return first;
}

int run_one(std::uint64_t seed) {
  const auto found = cluster{seed, true}.run();
  std::printf("seed %llu: %s; %llu events, %zu operations, agreed in %.1f s\n",
              static_cast<unsigned long long>(seed),
              found.violation.empty() ? "all is well" : found.violation.c_str(),
              static_cast<unsigned long long>(found.events), found.operations,
              static_cast<double>(found.settled_in) / second);
  return found.violation.empty() ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  settings asked;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    const auto value = std::strtoull(argv[i + 1], nullptr, 10);
    if (name == "--seeds")
      asked.seeds = value;
    else if (name == "--first")
      asked.first = argv[i + 1] == "random"sv ? draw_first() : value;
    else if (name == "--jobs")
      asked.jobs = static_cast<unsigned>(value);
    else if (name == "--seed")
      asked.one = value;
    else
      return std::fprintf(stderr, "simulate: unknown option %s\n", argv[i]), 2;
  }
  // Where a key goes must not differ from process to process.
  panal::fix_key_hash_seed(0x70616e616c);
  return asked.one != 0 ? run_one(asked.one) : run_all(asked);
}
