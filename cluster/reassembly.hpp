#pragma once

// Puts the pieces of streams together again. A peer sends one stream after
// another, so there is at most one unfinished stream for each link; memory is
// taken for bytes that have come, not for those that are announced, and all
// links share one bound. Where it is not enough the stream that was begun
// first goes on and the others give way: so one always gets to its end.

#include "cluster/frame_piece.hpp"
#include "storage/change.hpp"
#include "storage/errc.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace panal {

/// All links of one node. Not thread-safe; owned by the replica.
class reassembly {
public:
  enum class progress : std::uint8_t {
    /// More is to come.
    unfinished,
    /// The stream is whole: take() it.
    whole,
    /// The piece belongs to no stream that is being put together: the stream
    /// was given up, or a part of it was lost.
    stray,
    /// The stream was given up, since all links' bound was reached.
    given_up,
  };

  /// @param bytes_max  of one stream, and of all that are unfinished.
  explicit reassembly(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  /// Error: `corrupt`; the stream is larger than any may be, or changes its
  /// size.
  result<progress> add(origin_id from, const piece_frame& piece);
  /// The stream of `from` that is whole.
  std::string take(origin_id from);

  /// The link to `from` has ended, or another has begun.
  void reset(origin_id from);

  /// True while a stream of `from` is unfinished.
  bool is_receiving(origin_id from) const;
  /// Of the streams that are unfinished.
  std::size_t bytes() const noexcept { return bytes_; }

private:
  struct stream {
    std::uint32_t id = 0;
    std::uint64_t total = 0;
    std::string bytes;
    /// Streams that were begun earlier have lower ones.
    std::uint64_t turn = 0;
    /// The rest of the stream is passed over.
    bool is_closed = true;
  };

  void close(stream& done);
  bool make_room(std::size_t bytes, const stream& wanted);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::uint64_t last_turn_ = 0;
  std::map<origin_id, stream> streams_;
};

} // namespace panal
