#pragma once

// One way down two digest trees, from roots that differ to the leaves that
// do. The trees change meanwhile, so the leaves are compared a second time
// after a pause: what differs only because a change is still on its way does
// not differ twice.

#include "cluster/repair_port.hpp"

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace panal {

/// What an ask is answered with.
/// @pre the nodes are in the tree: see is_in_tree()
std::vector<std::uint64_t> hashes_of(const digest_source& tree, unsigned level,
                                     const std::vector<std::uint32_t>& nodes);

bool is_in_tree(const digest_source& tree, unsigned level, std::uint32_t node);

/// Not thread-safe; lives for one round.
class repair_walk {
public:
  /// What a frame of the peer has led to.
  enum class step : std::uint8_t {
    /// It does not fit; nothing has changed.
    refused,
    /// ask() is to be sent.
    ask,
    /// The trees are equal.
    equal,
    /// Leaves differ: after a pause ask() is to be sent.
    pause,
    /// The difference has gone away.
    vanished,
    /// leaves() differ for the second time.
    confirmed,
  };

  /// @param leaves_max  most nodes to go into at each level, and most leaves.
  repair_walk(const digest_source& own, std::uint32_t round,
              std::size_t leaves_max, std::mt19937_64& random);

  repair_root_frame start() const;
  repair_ask_frame ask() const { return {round_, level(), nodes_}; }

  step equal(const repair_equal_frame& said) const noexcept;
  step hashes(const repair_hashes_frame& said);

  std::uint32_t round() const noexcept { return round_; }
  const std::vector<std::uint32_t>& leaves() const noexcept { return nodes_; }
  /// More differs than was gone into.
  bool has_more() const noexcept { return more_; }

private:
  std::uint8_t level() const noexcept {
    return static_cast<std::uint8_t>(level_);
  }
  void take(std::vector<std::uint32_t> differing);

  const digest_source& own_;
  std::uint32_t round_;
  std::size_t leaves_max_;
  std::mt19937_64& random_;
  unsigned level_ = 0;
  std::vector<std::uint32_t> nodes_{0};
  bool more_ = false;
};

} // namespace panal
