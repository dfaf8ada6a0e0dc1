#pragma once

// What two nodes say to each other in a round of digest repair
// (cluster/repair.hpp), as bytes; part of cluster/frame.hpp.
//
//   root    := u32 round, u64 root
//   equal   := u32 round
//   ask     := u32 round, u8 level, u16 count, { u32 node }
//   hashes  := u32 round, u8 level, u16 count, { u64 hash }
//   leaves  := u32 round, u8 reply_wanted, u64 line, u16 count,
//              { u32 leaf, u32 count, { u32 key, u64 entry } }
//   entries := u64 line, u32 count, { u32 size, key, u32 size, entry }

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// Levels below the root of a digest tree; the nodes of the last are leaves.
inline constexpr unsigned repair_levels = 3;
/// Most nodes of the tree that one frame may ask about.
inline constexpr std::size_t repair_nodes_max = 64;
/// Most bytes of a frame that lists what leaves hold.
inline constexpr std::size_t repair_leaves_bytes_max = std::size_t{1} << 20;

/// "My tree has this root: has yours?"
struct repair_root_frame {
  std::uint32_t round = 0;
  std::uint64_t root = 0;
};

/// "The same."
struct repair_equal_frame {
  std::uint32_t round = 0;
};

/// "What are the hashes of the children of these nodes?", or, on the last
/// level, of the nodes themselves.
struct repair_ask_frame {
  std::uint32_t round = 0;
  std::uint8_t level = 0;
  /// 1 to `repair_nodes_max`, ascending.
  std::vector<std::uint32_t> nodes;
};

/// The answer to an ask, and to a root that differs: then of level 0.
struct repair_hashes_frame {
  std::uint32_t round = 0;
  std::uint8_t level = 0;
  std::vector<std::uint64_t> hashes;
};

/// A key that a leaf stands for, and what it holds.
struct repair_item {
  /// The low 32 bits of the key's digest; two keys may share them.
  std::uint32_t key = 0;
  std::uint64_t entry = 0;

  friend bool operator==(const repair_item&, const repair_item&) = default;
};

/// All keys of one leaf.
struct repair_leaf {
  std::uint32_t leaf = 0;
  std::vector<repair_item> items;

  friend bool operator==(const repair_leaf&, const repair_leaf&) = default;
};

/// "This is what I have there", in answer to which entries may come.
struct repair_leaves_frame {
  std::uint32_t round = 0;
  /// True from the round's initiator; false in the answer.
  bool reply_wanted = false;
  /// The sender's line: what it has forgotten lies below.
  std::uint64_t line = 0;
  /// 1 to `repair_nodes_max`, ascending.
  std::vector<repair_leaf> leaves;
};

/// What the receiver lacks or has differently. Views into the frame's bytes.
struct repair_entries_frame {
  struct item {
    std::string_view key;
    std::string_view entry;
  };
  /// The sender's line.
  std::uint64_t line = 0;
  std::vector<item> items;
};

std::string encode(const repair_root_frame& said);
std::string encode(const repair_equal_frame& said);
/// @pre the limits that are named with each frame are kept.
std::string encode(const repair_ask_frame& said);
std::string encode(const repair_hashes_frame& said);
std::string encode(const repair_leaves_frame& said);
std::string encode(const repair_entries_frame& said);

/// What a leaf adds to the frame that lists it.
constexpr std::size_t listed_bytes(const repair_leaf& leaf) noexcept {
  return 4 + 4 + leaf.items.size() * (4 + 8);
}

} // namespace panal
