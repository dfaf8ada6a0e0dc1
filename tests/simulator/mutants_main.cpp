// simulate_mutants [--seeds N] [--only NAME]
//
// Switches on each planted bug in turn and looks for the first seed whose
// world shows that something is wrong. Exit status 1 unless all are found.

#include "storage/key_hash.hpp"
#include "tests/simulator/cluster.hpp"
#include "tests/simulator/mutants.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace panal {

mutant active_mutant = mutant::none;

} // namespace panal

namespace {

using namespace panal;

constexpr unsigned jobs = 2;

struct finding {
  std::mutex mutex;
  std::uint64_t seed = 0;
  std::string violation;
};

/// Runs seeds until one is wrong.
void search(std::atomic<std::uint64_t>& next, std::uint64_t seeds,
            finding& found) {
  for (auto seed = next++; seed <= seeds; seed = next++) {
    const auto said = sim::cluster{seed, false}.run();
    if (said.violation.empty())
      continue;
    std::lock_guard guard{found.mutex};
    if (found.seed == 0 || seed < found.seed) {
      found.seed = seed;
      found.violation = said.violation;
    }
    next = seeds + 1;
  }
}

finding& look_for(mutant planted, std::uint64_t seeds, finding& found) {
  active_mutant = planted;
  std::atomic<std::uint64_t> next = 1;
  std::vector<std::thread> workers;
  for (unsigned i = 0; i < jobs; ++i)
    workers.emplace_back([&] { search(next, seeds, found); });
  for (auto& worker : workers)
    worker.join();
  return found;
}

} // namespace

int main(int argc, char** argv) {
  std::uint64_t seeds = 10'000;
  std::string_view only;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--seeds")
      seeds = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--only")
      only = argv[i + 1];
    else
      return std::fprintf(stderr, "unknown option %s\n", argv[i]), 2;
  }
  fix_key_hash_seed(0x70616e616c);
  std::size_t tried = 0;
  std::size_t hits = 0;
  for (std::size_t i = 0; i < mutant_names.size(); ++i) {
    if (!only.empty() && mutant_names[i] != only)
      continue;
    finding found;
    look_for(static_cast<mutant>(i + 1), seeds, found);
    ++tried;
    hits += found.seed != 0 ? 1U : 0U;
    std::printf("%-32s %s\n", std::string{mutant_names[i]}.c_str(),
                found.seed != 0 ? ("seed " + std::to_string(found.seed) + "  "
                                   + found.violation)
                                      .c_str()
                                : "NOT FOUND");
    std::fflush(stdout);
  }
  std::printf("%zu of %zu found\n", hits, tried);
  return hits == tried && tried > 0 ? 0 : 1;
}
