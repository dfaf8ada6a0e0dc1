#pragma once

// How a node asks a peer for the state of keys that it cannot read itself
// (cluster/mending.hpp), as bytes; part of cluster/frame.hpp.
//
//   fetch   := u32 ticket, u16 count, { u32 size, key }
//   fetched := u32 ticket, u64 line, u16 count,
//              { u32 size, key, u32 size, entry }

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// Most keys that one frame may ask for.
inline constexpr std::size_t fetch_keys_max = 32;

/// "What do you hold of these?" Views into the frame's bytes.
struct fetch_frame {
  std::uint32_t ticket = 0;
  /// 1 to `fetch_keys_max`.
  std::vector<std::string_view> keys;
};

/// The answer to it. What the sender cannot read itself, and what there was no
/// room for, is left out. Views into the frame's bytes.
struct fetched_frame {
  struct item {
    std::string_view key;
    /// Empty: the sender holds nothing of the key.
    std::string_view entry;
  };
  std::uint32_t ticket = 0;
  /// The sender's line: what it has forgotten lies below.
  std::uint64_t line = 0;
  /// At most `fetch_keys_max`.
  std::vector<item> items;
};

/// @pre the limits that are named with each frame are kept.
std::string encode(const fetch_frame& said);
std::string encode(const fetched_frame& said);

} // namespace panal
