#pragma once

// How what is too large for one frame travels, as bytes; part of
// cluster/frame.hpp. It is cut into the pieces of one *stream*, between which
// other frames pass; put together they are one frame of the types that
// decode_stream() takes.
//
//   piece    := u32 stream, u64 total, u64 offset, bytes
//   deferred := u32 size, key, u32 size, entry
//   receipt  := u64 sent, u64 received

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace panal {

/// Most bytes that a piece carries.
inline constexpr std::size_t piece_bytes_max = std::size_t{256} * 1024;

/// Bytes of a stream. A view into the frame's bytes.
struct piece_frame {
  /// Counted by the sender, from 1 on each link; all pieces of one stream are
  /// sent before those of the next.
  std::uint32_t stream = 0;
  /// Of the whole stream.
  std::uint64_t total = 0;
  /// Where in the stream the bytes stand.
  std::uint64_t offset = 0;
  /// 1 to `piece_bytes_max`.
  std::string_view bytes;
};

/// A change that a changes frame has announced, by its stream. Views into the
/// stream's bytes.
struct deferred_frame {
  std::string_view key;
  std::string_view entry;
};

/// How many bytes of what is counted (is_counted()) have gone over this link.
struct receipt_frame {
  /// All that the sender has sent, if it waits for a word about it, else 0.
  /// What was sent before has come, or never will.
  std::uint64_t sent = 0;
  /// All that it has received.
  std::uint64_t received = 0;
};

std::string encode(const piece_frame& said);
std::string encode(const deferred_frame& said);
std::string encode(const receipt_frame& said);

} // namespace panal
