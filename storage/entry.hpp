#pragma once

// The replicated state of one key, and the rule by which two states become
// one. merge() is commutative, associative and idempotent: it is set union of
// everything ever written to the key, seen through a normal form, so replicas
// that have heard the same writes hold the same entry, in whatever order.
//
// An entry has one encoding, used in memory, on disk and between nodes:
//
//   u8  format (1), bit 7 set: a floor follows
//   u8  number of puts
//   [u64 floor.hlc, u64 floor.origin]
//   per put, greatest (version, stamp) first:
//     u8 flags (bit 0: stripped), i64 version, u64 hlc, u64 origin,
//     i64 expires_at, u32 value size, value
//
// All numbers are little-endian. Equal entries have equal encodings.

#include "storage/errc.hpp"
#include "storage/stamp.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// One accepted write of a value.
struct put_record {
  std::int64_t version = 0;
  stamp at;
  /// Absolute, or `never`.
  unix_ms expires_at = never;
  /// The value's bytes were dropped after its expiry; it is never served.
  bool stripped = false;
  std::string value;

  friend bool operator==(const put_record&, const put_record&) = default;
};

/// True when no later delete can remove `a` and leave `b`, and `a` wins any
/// comparison against `b`: then `b` need not be remembered.
bool dominates(const put_record& a, const put_record& b) noexcept;

/// The state of a key.
struct entry {
  /// The newest delete; the zero stamp if there was none.
  stamp floor;
  /// The puts after the floor that no other put dominates, greatest version
  /// first (and so oldest stamp first). Almost always at most one.
  std::vector<put_record> frontier;

  friend bool operator==(const entry&, const entry&) = default;
};

/// The newest stamp that the entry holds; zero for an empty one.
stamp newest_stamp(const entry& state) noexcept;

/// The join of two states of one key.
/// @param cleared  the cluster's largest clear-all stamp: nothing at or below
///                 it survives.
entry merge(const entry& a, const entry& b, const stamp& cleared = {});

/// What a reader of a key gets to see.
enum class presence : std::uint8_t { absent, present, expired };

/// The winning put of an encoded entry, without copying its value.
struct winner_view {
  presence state = presence::absent;
  std::int64_t version = 0;
  stamp at;
  unix_ms expires_at = never;
  std::string_view value;
  /// Some put of the entry has expired and stands at or above this one: a put
  /// over it needs a floor of its own.
  bool over_expired = false;
};

/// What was stamped below this hlc is hidden, and dies, with a put that
/// expires then.
std::uint64_t expiry_hlc(unix_ms expires_at) noexcept;

/// Writes `state` in its one encoding.
std::string encode(const entry& state);
/// The same for an entry whose frontier is one put.
std::string encode(const stamp& floor, const put_record& put);

/// Reads single parts of what encode() made, without decoding the rest; an
/// empty text is an empty entry.
stamp floor_of(std::string_view encoded) noexcept;
stamp newest_stamp(std::string_view encoded) noexcept;

/// A put without its value.
struct put_header {
  std::int64_t version = 0;
  stamp at;
  unix_ms expires_at = never;
  bool stripped = false;
};

/// Reads the puts of what encode() made one after the other, without copying;
/// it ends early where the text does.
class put_headers {
public:
  /// @param encoded  outlives this; may be empty.
  explicit put_headers(std::string_view encoded) noexcept;

  /// Reads the next one to `put`; false if there is none.
  bool next(put_header& put) noexcept;

private:
  std::string_view rest_;
  unsigned left_ = 0;
};

/// Reads an encoding; `corrupt` when it is not one, or is not in normal form.
result<entry> decode(std::string_view bytes);

/// Looks at the winner of an encoded entry that encode() made.
/// @param now  decides between present and expired: at `expires_at` it is
///             expired.
winner_view winner(std::string_view encoded, unix_ms now) noexcept;

/// Most puts that one entry holds: each member adds one at most, unless it is
/// faulty. Of more, merge() keeps those of the greatest versions.
inline constexpr std::size_t frontier_max = 255;

} // namespace panal
