#pragma once

#include <chrono>
#include <cstddef>

namespace panal {

/// How bytes flow over one link. Sizes are for the cut frames alone or for
/// all that is counted (is_counted()), as each says.
struct flow_config {
  using milliseconds = std::chrono::milliseconds;

  /// A frame or a change that takes more than this is cut into pieces.
  std::size_t whole_bytes_max = std::size_t{64} * 1024;
  /// A piece is a quarter of what may be under way, within these.
  std::size_t piece_bytes_min = std::size_t{16} * 1024;
  std::size_t piece_bytes_max = std::size_t{256} * 1024;
  /// What may be under way, sent but not yet received by the peer's replica:
  /// at first, and at least and at most as the link turns out to be. It lies in
  /// buffers ahead of whatever is said next.
  std::size_t ahead_bytes = std::size_t{128} * 1024;
  std::size_t ahead_bytes_min = std::size_t{32} * 1024;
  std::size_t ahead_bytes_max = std::size_t{8} << 20;
  /// Bytes that have been under way for less let more be sent, for longer:
  /// less.
  milliseconds delay_low{100};
  milliseconds delay_high{400};
  /// The receiver tells after so many bytes what it has received.
  std::size_t receipt_bytes = std::size_t{16} * 1024;
  /// Of frames of repair that wait to be sent; one more may go beyond it.
  std::size_t repair_bytes_max = std::size_t{4} << 20;
  /// A link over which nothing that is counted has moved for so long, although
  /// something waits, is stuck.
  milliseconds stuck_after{5'000};
};

} // namespace panal
