// Links that carry so many bytes a second, and the limit of a frame.

#include "tests/simulator/cluster_parts.hpp"
#include "tests/simulator/sim_node_parts.hpp"

#include <algorithm>

namespace panal::sim {

namespace {

/// Behind the bytes of a frame.
constexpr sim_time latency = 500;

/// A frame of changes with one that is just not large, or a piece, and what
/// stands around it.
constexpr std::size_t counted_bytes_max =
    std::max(large_bytes + 64, piece_bytes + 32);

} // namespace

// Mostly as links are: nothing is lost, doubled or reordered without their end.
void cluster::draw_rate() {
  auto& r = around.random;
  auto& w = weather_;
  options_.rate = static_cast<std::size_t>(r.between(3'000, 30'000));
  w.value_bytes_max = 150 + r.below(600);
  if (r.chance(0.7))
    w.loss = w.duplicates = w.reorders = w.replays = 0;
}

// Few sizes, so that two values often have the same one.
std::string cluster::draw_padding() {
  auto& r = around.random;
  if (weather_.value_bytes_max == 0 || r.chance(0.4))
    return {};
  return std::string(weather_.value_bytes_max / (1 + r.below(3)), '.');
}

sim_time cluster::travel(connection& over, std::size_t from,
                         std::size_t bytes) {
  if (options_.rate == 0)
    return 0;
  auto& busy_until = over.busy_until[from == over.a ? 0 : 1];
  busy_until = std::max(busy_until, around.now())
               + static_cast<sim_time>(bytes * second / options_.rate);
  return busy_until - around.now() + latency;
}

std::vector<std::uint64_t> cluster::moving_links(std::size_t to) const {
  std::vector<std::uint64_t> moving;
  for (const auto& [id, over] : connections_) {
    if (options_.rate == 0 || (over.a != to && over.b != to))
      continue;
    const bool to_b = over.b == to;
    if (over.busy_until[to_b ? 0 : 1] > around.now() - beat_pause
        && !is_cut(to_b ? over.a : over.b, to))
      moving.push_back(id);
  }
  return moving;
}

void cluster::judge_frame(std::string_view bytes) {
  if (options_.rate > 0 && is_counted(bytes)
      && bytes.size() > counted_bytes_max)
    violated("differing: a frame of " + std::to_string(bytes.size())
             + " bytes, which no link takes");
}

} // namespace panal::sim
