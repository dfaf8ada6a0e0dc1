#pragma once

// What peers say to each other, as bytes: protocol 1. All numbers are
// little-endian, all lengths are checked, and what is not exactly a frame is
// refused whole.
//
//   frame     := u8 type, body
//   heartbeat := u64 sent_at (Unix ms), u64 last position of the sender
//   members   := u16 count, { u64 origin, u16 size, name, u16 size, address }
//   changes   := u64 acknowledged, u64 after, u64 upto, u32 count,
//                { u32 size, key, u32 size, entry }
//   ack       := u64 upto

#include "storage/change.hpp"
#include "storage/clock.hpp"
#include "storage/errc.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace panal {

/// Most bytes of a frame: room for one change of the greatest size that the
/// options allow. Batches are far smaller.
inline constexpr std::size_t frame_bytes_max = std::size_t{96} << 20;
/// Most members that one frame may name.
inline constexpr std::size_t frame_members_max = 1'024;

/// "I am alive", and how long my sequence of changes is.
struct heartbeat_frame {
  unix_ms sent_at = 0;
  position last = 0;
};

/// All members that the sender knows, itself included.
struct members_frame {
  std::vector<member> known;
};

/// The sender's changes in (after, upto], without those that the receiver
/// told it. Views into the frame's bytes.
struct changes_frame {
  struct item {
    std::string_view key;
    std::string_view entry;
  };
  /// What the receiver has acknowledged, as the sender remembers it.
  position acknowledged = 0;
  position after = 0;
  position upto = 0;
  std::vector<item> items;
};

/// The receiver has durably merged all the sender's changes up to here.
struct ack_frame {
  position upto = 0;
};

using frame =
    std::variant<heartbeat_frame, members_frame, changes_frame, ack_frame>;

std::string encode(const heartbeat_frame& said);
std::string encode(const members_frame& said);
std::string encode(const ack_frame& said);
/// @param sent  those of (after, upto] that the receiver is to get.
std::string encode_changes(position acknowledged, position after, position upto,
                           std::span<const change* const> sent);

/// True for what concerns the link (heartbeat, members), false for what
/// concerns the data (changes, ack) and for what is no frame.
bool is_link_frame(std::string_view bytes) noexcept;

/// Error: `corrupt`. Views in the result live as long as `bytes`.
result<frame> decode_frame(std::string_view bytes);

} // namespace panal
