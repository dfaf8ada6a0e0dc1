#include "cluster/repair_walk.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// The hashes of leaves themselves: their parents', of which several may have
/// the same.
std::vector<std::uint64_t>
leaf_hashes(const digest_source& tree,
            const std::vector<std::uint32_t>& leaves) {
  std::vector<std::uint64_t> hashes;
  hashes.reserve(leaves.size());
  std::vector<std::uint64_t> siblings;
  auto parent = ~std::uint32_t{0};
  for (const auto leaf : leaves) {
    if (const auto above = leaf >> tree.bits(); above != parent) {
      parent = above;
      siblings = tree.children(repair_levels - 1, parent);
    }
    hashes.push_back(siblings[leaf - (parent << tree.bits())]);
  }
  return hashes;
}

} // namespace

std::vector<std::uint64_t> hashes_of(const digest_source& tree, unsigned level,
                                     const std::vector<std::uint32_t>& nodes) {
  if (level == repair_levels)
    return leaf_hashes(tree, nodes);
  std::vector<std::uint64_t> hashes;
  hashes.reserve(nodes.size() << tree.bits());
  for (const auto node : nodes) {
    const auto children = tree.children(level, node);
    hashes.insert(hashes.end(), children.begin(), children.end());
  }
  return hashes;
}

bool is_in_tree(const digest_source& tree, unsigned level, std::uint32_t node) {
  return std::uint64_t{node} >> (tree.bits() * level) == 0;
}

repair_walk::repair_walk(const digest_source& own, std::uint32_t round,
                         std::size_t leaves_max, std::mt19937_64& random)
    : own_{own},
      round_{round},
      leaves_max_{std::clamp<std::size_t>(leaves_max, 1, repair_nodes_max)},
      random_{random} {
  // nop
}

repair_root_frame repair_walk::start() const {
  return {round_, own_.root()};
}

repair_walk::step
repair_walk::equal(const repair_equal_frame& said) const noexcept {
  return said.round == round_ && level_ == 0 ? step::equal : step::refused;
}

repair_walk::step repair_walk::hashes(const repair_hashes_frame& said) {
  if (said.round != round_ || said.level != level_)
    return step::refused;
  const auto mine = hashes_of(own_, level_, nodes_);
  if (said.hashes.size() != mine.size())
    return step::refused;
  const bool are_leaves = level_ == repair_levels;
  const auto fan_out_bits = are_leaves ? 0 : own_.bits();
  std::vector<std::uint32_t> differing;
  for (std::size_t i = 0; i < mine.size(); ++i) {
    if (mine[i] == said.hashes[i])
      continue;
    const auto parent = i >> fan_out_bits;
    const auto child = static_cast<std::uint32_t>(i - (parent << fan_out_bits));
    differing.push_back((nodes_[parent] << fan_out_bits) + child);
  }
  if (differing.empty())
    return level_ == 0 ? step::equal : step::vanished;
  take(std::move(differing));
  if (are_leaves)
    return step::confirmed;
  return ++level_ == repair_levels ? step::pause : step::ask;
}

// Where more differs than is taken, from a random place on: leaves that cannot
// be made equal for a while must not stand before the others for ever.
void repair_walk::take(std::vector<std::uint32_t> differing) {
  nodes_ = std::move(differing);
  if (nodes_.size() <= leaves_max_)
    return;
  more_ = true;
  const auto first = random_() % nodes_.size();
  std::rotate(nodes_.begin(),
              nodes_.begin() + static_cast<std::ptrdiff_t>(first),
              nodes_.end());
  nodes_.resize(leaves_max_);
  std::sort(nodes_.begin(), nodes_.end());
}

} // namespace panal
