#pragma once

// A campaign: one schedule of faults over one cluster under load, then heal,
// wait until all nodes agree, and judge what the clients saw.

#include "tests/torture/checker.hpp"
#include "tests/torture/progress.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace panal::torture {

struct campaign_setup {
  std::uint64_t seed = 1;
  std::size_t operations = 5'000;
  /// 0: 3 or 5, as the seed is even or odd.
  std::size_t nodes = 0;
  /// The time over which the operations are spread.
  milliseconds spread{12'000};
  /// Further flags for every node: a campaign must fail with some.
  std::vector<std::string> more;
  /// Keeps the logs of good ones, too.
  bool keeps_all = false;
};

struct campaign_result {
  std::uint64_t seed = 0;
  std::size_t nodes = 0;
  milliseconds clock_range{0};
  std::size_t faults = 0;
  std::size_t ok = 0;
  std::size_t failed = 0;
  std::size_t unknown = 0;
  /// How many answers had which status; 0: none.
  std::map<int, std::size_t> statuses;
  std::array<std::size_t, verdict_count> found{};
  /// From the last fault's end until all nodes first showed the same.
  milliseconds stable_after{0};
  /// What went wrong, for people. Empty: nothing.
  std::string trouble;

  bool good() const { return trouble.empty(); }
};

/// @param part  which part of all the progress is this campaign's.
campaign_result run_campaign(campaign_setup setup, progress& bar,
                             double part_begin, double part_size);

/// One line: "seed 7: 3 nodes, ...".
std::string summary(const campaign_result& of);

/// Counts verdicts into `into`, and tells the first few in words.
std::string tell(const std::vector<violation>& found,
                 std::array<std::size_t, verdict_count>& into);
/// "0 lost, 0 stale, ...".
std::string counts_text(const std::array<std::size_t, verdict_count>& of);

} // namespace panal::torture
