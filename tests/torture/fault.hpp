#pragma once

// What is to go wrong, and when: drawn from a seed, one fault after the other.

#include "tests/support/process.hpp"

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace panal::torture {

using test::milliseconds;

enum class fault_kind {
  /// Between two nodes:
  delay,
  rate,
  hole,
  one_way_hole,
  cut,
  cut_in_frame,
  /// Between two groups of nodes: nothing passes, and nobody can dial.
  split,
  /// Of one node:
  kill,
  restart,
  pause,
  full_disk,
  clock,
};
inline constexpr std::size_t fault_kind_count = 12;

std::string_view to_string(fault_kind what) noexcept;
/// Whether it is about one node and not about links.
bool is_of_node(fault_kind what) noexcept;

struct fault {
  fault_kind what = fault_kind::cut;
  /// Since the schedule's start.
  milliseconds starts{0};
  milliseconds lasts{0};
  std::size_t node = 0;
  /// The other end of a link; bytes from `node` to `peer` where it matters.
  std::size_t peer = 0;
  /// delay
  milliseconds delay{0};
  milliseconds jitter{0};
  /// rate
  std::size_t bytes_per_second = 0;
  /// clock: meanwhile it is this much ahead, or behind.
  std::int64_t offset_ms = 0;
  /// full_disk: where files end.
  std::uint64_t file_bytes_max = 0;
  /// hole, one_way_hole, split: connections do not outlive it.
  bool cuts_at_end = false;
  /// split: nobody can dial across, instead of waiting for an answer.
  bool refuses = false;
  /// split: bit i says on which side node i is.
  std::uint32_t sides = 0;
};

/// Says what a fault is, on one line.
std::string describe(const fault& what);

struct fault_setup {
  std::size_t nodes = 3;
  std::uint64_t seed = 0;
  /// Clocks are set wrong by at most this much; 0: never.
  milliseconds clock_range{0};
  /// On the average.
  milliseconds between{220};
};

/// An endless schedule; equal setups give equal schedules.
class fault_schedule {
public:
  explicit fault_schedule(const fault_setup& setup);
  /// The next one to begin. A node has one fault of its own at a time, and at
  /// least one node has none.
  fault next();

private:
  std::uint64_t below(std::uint64_t end);
  milliseconds between(int from, int to);
  std::size_t busy_nodes() const;
  fault of_node(fault_kind what);
  fault of_link(fault_kind what);

  fault_setup setup_;
  std::mt19937_64 random_;
  milliseconds now_{0};
  /// Until when each node has a fault of its own.
  std::vector<milliseconds> busy_until_;
};

} // namespace panal::torture
