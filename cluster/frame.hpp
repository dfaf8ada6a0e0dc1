#pragma once

// What peers say to each other, as bytes: protocol 3. All numbers are
// little-endian, all lengths are checked, and what is not exactly a frame is
// refused whole.
//
//   frame     := u8 type, body
//   heartbeat := i64 sent_at (Unix ms), i64 echo, u32 held_ms
//   members   := u16 count, { u64 origin, u16 size, name, u16 size, address,
//                u64 forgotten }
//   changes   := u64 acknowledged, u64 after, u64 upto,
//                u32 first stream, u16 streams,
//                u32 count, { u32 size, key, u32 size, entry }
//   ack       := u64 upto, u64 last, u64 settled, u8 refused
//   greeting  := u64 hlc, u64 line, u64 last, u8 flags, u64 merged_hlc,
//                u64 marked, u64 born, u64 id, u16 count, { run },
//                u16 count, { run }
//   run       := u64 id, u64 started_hlc, u64 reached
//   accept    := u8 1
//   mark      := u64 acknowledged, u64 position, u64 view, u64 wanted,
//                u16 count, { u64 origin, u64 hlc }
//
// The frames of digest repair stand in cluster/frame_repair.hpp, those that
// carry what is too large for one frame in cluster/frame_piece.hpp, those of
// mending in cluster/frame_fetch.hpp.

#include "cluster/frame_fetch.hpp"
#include "cluster/frame_piece.hpp"
#include "cluster/frame_repair.hpp"
#include "storage/change.hpp"
#include "storage/clock.hpp"
#include "storage/cluster_identity.hpp"
#include "storage/errc.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace panal {

/// Most bytes of a frame. What is larger travels in pieces.
inline constexpr std::size_t frame_bytes_max = std::size_t{512} * 1024;
/// Most bytes of a frame that carries neither entries nor lists of them.
inline constexpr std::size_t small_frame_bytes_max = std::size_t{64} * 1024;
/// Most members that one frame may name.
inline constexpr std::size_t frame_members_max = 1'024;
/// Most changes that one frame may defer.
inline constexpr std::size_t frame_streams_max = 64;

/// "I am alive", and what it takes to compare two clocks.
struct heartbeat_frame {
  /// The sender's wall clock.
  unix_ms sent_at = 0;
  /// The newest `sent_at` of the receiver that the sender has heard; 0: none.
  unix_ms echo = 0;
  /// How long before `sent_at` that was heard, in ms of the sender's clock.
  std::uint32_t held_ms = 0;
};

/// All members that the sender knows, itself included.
struct members_frame {
  std::vector<member> known;
};

/// The sender's changes in (after, upto], without those that the receiver
/// told it. Views into the frame's bytes. Those that are large are deferred:
/// each comes as a stream of its own, and until then the frame is unfinished.
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
  /// The streams of the deferred changes: so many from this one on, at most
  /// `frame_streams_max`.
  std::uint32_t first_stream = 0;
  std::uint16_t streams = 0;
};

/// The receiver has durably merged all the sender's changes up to here.
struct ack_frame {
  position upto = 0;
  /// The acknowledging side's own newest durable position: by this it is found
  /// out when it has lost what it acknowledged.
  position last = 0;
  /// All up to here is merged but for what is deferred and has not come yet;
  /// not below `upto`. It makes room in the sender's window and proves nothing.
  position settled = 0;
  /// Something could not be merged (the disk is full): what is above `upto` is
  /// to be sent again.
  bool refused = false;
};

/// The first frame on each link, both ways: what each side has to know before
/// it takes the other's changes.
struct greeting_frame {
  /// The sender's hybrid clock.
  std::uint64_t hlc = 0;
  /// The sender's line: what all members have merged, as far as it knows.
  std::uint64_t line = 0;
  /// The sender's newest position.
  position last = 0;
  bool sealed = false;
  bool settled = false;
  bool rejoining = false;
  bool has_data = false;
  /// The sender was among those that bore its cluster.
  bool founder = false;
  /// Everything that the receiver stamped up to here has been merged by a
  /// member.
  std::uint64_t merged_hlc = 0;
  /// No line that rests on the sender's marks so far is above.
  std::uint64_t marked = 0;
  /// The cluster that the sender's state belongs to.
  cluster_identity identity;
  /// The sender's own, oldest first. The last one is the present one: there
  /// is always one. At most `runs_max`.
  std::vector<run_record> runs;
  /// The receiver's, as the sender remembers them, oldest first. At most
  /// `runs_max`.
  std::vector<run_record> receiver_runs;
};

/// "I have judged your greeting: let changes flow."
struct accept_frame {};

/// How far the sender has durably merged whose changes.
struct mark_frame {
  struct origin_mark {
    origin_id origin = 0;
    /// All that the origin stamped up to here is merged.
    std::uint64_t hlc = 0;

    friend bool operator==(const origin_mark&, const origin_mark&) = default;
  };
  /// What the receiver has acknowledged, as the sender remembers it.
  position acknowledged = 0;
  /// The place in the sender's sequence that the mark stands at.
  position at = 0;
  /// The list of members that the sender goes by.
  std::uint64_t view = 0;
  /// Where the sender waits for the line to come; 0: it does not.
  std::uint64_t wanted = 0;
  /// At most `frame_members_max`.
  std::vector<origin_mark> merged;
};

using frame =
    std::variant<heartbeat_frame, members_frame, changes_frame, ack_frame,
                 greeting_frame, accept_frame, mark_frame, repair_root_frame,
                 repair_equal_frame, repair_ask_frame, repair_hashes_frame,
                 repair_leaves_frame, repair_entries_frame, piece_frame,
                 deferred_frame, receipt_frame, fetch_frame, fetched_frame>;

std::string encode(const heartbeat_frame& said);
/// Says as many of the members, from the front, as the limits of a frame let
/// it.
std::string encode(const members_frame& said);
std::string encode(const ack_frame& said);
/// @param sent          those of (after, upto] that stand in the frame.
/// @param first_stream  of the changes that are deferred.
/// @param streams       how many are.
std::string encode_changes(position acknowledged, position after, position upto,
                           std::span<const change* const> sent,
                           std::uint32_t first_stream = 0,
                           std::uint16_t streams = 0);
/// Of more than `runs_max` runs the newest are said.
std::string encode(const greeting_frame& said);
std::string encode(const accept_frame& said);
/// Of more than `frame_members_max` origins the first are said.
std::string encode(const mark_frame& said);

/// Most bytes that a frame with this first byte may have; 0 for an unknown
/// type.
std::size_t frame_limit(std::uint8_t type) noexcept;

/// True for what concerns the list of members and nothing else.
bool is_link_frame(std::string_view bytes) noexcept;

/// True for frames whose bytes are counted, so that not too many of them are
/// under way: those that may be large or many.
bool is_counted(std::string_view bytes) noexcept;

/// True for frames of repair that may be large, and are cut then.
bool may_be_cut(std::string_view bytes) noexcept;

/// Error: `corrupt`. Views in the result live as long as `bytes`.
result<frame> decode_frame(std::string_view bytes);

/// What the pieces of a stream are together: a deferred change, or entries or
/// leaves of repair, of any size. Error: `corrupt`. Views in the result live
/// as long as `bytes`.
result<frame> decode_stream(std::string_view bytes);

} // namespace panal
