#pragma once

// The digest of a node's data set, by which two nodes find out whether they
// hold the same, and if not, where they differ, for a few hundred bytes.
//
// Keys are spread over leaves by a keyed hash. A leaf is the XOR of the
// digests of its entries, so that a change costs two toggles in whatever
// order changes come. Two nodes that differ walk down: they compare the
// children of the root, then those of a child that differs, and at a leaf
// they compare its keys.
//
// An entry's digest covers what the cluster has to agree upon and no more.
// Left out are the floor, which each node drops by itself once it is
// redundant, and the bytes of an expired value, which each node drops by its
// own clock: nodes in sync would differ in these for a while, and a repair
// would be made for nothing. A put's value need not be covered, since its
// stamp names that value and no other.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace panal {

/// The place of a key in the digest trees of all nodes.
/// @param secret  the same on all members and unknown to clients, who could
///                choose keys that cancel each other out otherwise.
std::uint64_t key_digest(std::string_view key, std::uint64_t secret) noexcept;

/// Digest of an entry of the key with this digest: of each put's version,
/// stamp and expiry. 0 for an entry without puts, which so counts as absent:
/// it is left from a delete, and nodes forget it at different times.
/// @param encoded  as encode() made it; may be empty.
std::uint64_t entry_digest(std::uint64_t key_digest, std::string_view encoded,
                           std::uint64_t secret) noexcept;

/// toggle() may be called by several threads at once, and beside the readers,
/// which then see some of the toggles that are under way.
class digest_tree {
public:
  /// Levels below the root; the last one's nodes are the leaves.
  static constexpr unsigned levels = 3;

  /// An empty data set's tree.
  /// @param bits_per_level  1 to 8: each node has 2 to this power of children.
  ///                        6 makes 262,144 leaves, which take 2 MiB.
  explicit digest_tree(unsigned bits_per_level = 6);

  /// Adds an entry to the set, or takes out one that is in it: a change does
  /// the one and the other. With the entry's digest 25 to 80 ns, measured on
  /// an entry of 100 bytes beside other load.
  void toggle(std::uint64_t key_digest, std::uint64_t entry_digest) noexcept;

  /// Equal for equal data sets, whatever their histories. Nothing above the
  /// leaves is kept, so this and children() of level 0 hash them all: 0.4 to
  /// 0.8 ms, measured beside other load.
  std::uint64_t root() const noexcept;

  /// The digests of a node's children.
  /// @param level  0 is the root's; below `levels`.
  /// @param index  the node's place within its level, from 0 on. Its children
  ///               stand at `index * fan_out()` and after in the next one.
  /// @returns  nothing for a node that is not there: a peer may ask for it.
  std::vector<std::uint64_t> children(unsigned level, std::size_t index) const;

  /// The place of a key's leaf in the last level.
  std::size_t leaf_of(std::uint64_t key_digest) const noexcept;

  std::size_t fan_out() const noexcept { return std::size_t{1} << bits_; }
  std::size_t leaf_count() const noexcept { return nodes_at(levels); }
  /// What the leaves take; nothing else is kept.
  std::size_t bytes() const noexcept {
    return leaf_count() * sizeof(std::uint64_t);
  }

private:
  std::size_t nodes_at(unsigned level) const noexcept {
    return std::size_t{1} << (bits_ * level);
  }
  std::uint64_t digest_of(unsigned level, std::size_t index) const noexcept;

  unsigned bits_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> leaves_;
};

} // namespace panal
