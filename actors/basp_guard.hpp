#pragma once

// Looks at what a proven peer sends before CAF does. CAF 0.17.6 makes room for
// whatever length a header announces, up to 4 GiB, so one faulty peer could
// take all memory; and what is no header would be read as one.
//
//   stream := { header, payload }
//   header := u8 operation, u8, u8, u8 flags, u32 payload size, u64, u64, u64
//             (caf/io/basp/header.hpp; all numbers big-endian)

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace panal {

/// One direction of one link. Not thread-safe; used by the gatekeeper's
/// thread.
class basp_guard {
public:
  /// @param payload_bytes_max  what a header may announce at most.
  explicit basp_guard(std::size_t payload_bytes_max) noexcept
      : payload_bytes_max_{payload_bytes_max} {}

  /// Follows the next bytes of the stream, in pieces of any size.
  /// @return false from the first header on that cannot be.
  bool follow(std::string_view bytes) noexcept;

  /// What was wrong, for the log; empty while nothing is.
  std::string_view wrong() const noexcept { return wrong_; }

private:
  static constexpr std::size_t header_bytes = 32;

  bool judge_header() noexcept;

  std::size_t payload_bytes_max_;
  std::array<unsigned char, header_bytes> header_{};
  std::size_t header_filled_ = 0;
  std::uint64_t payload_left_ = 0;
  std::string_view wrong_;
};

} // namespace panal
