#pragma once

// Finds the end of a request's header, and refuses on the way what no header
// may hold. It sees every byte once, however the bytes come, so a header fed
// byte by byte costs no more and gets the same answer as one fed whole.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace panal::http {

/// Limits of a request's header; CRLFs count.
inline constexpr std::size_t request_line_bytes_max = std::size_t{8} * 1024;
inline constexpr std::size_t header_bytes_max = std::size_t{16} * 1024;
inline constexpr std::size_t header_fields_max = 100;

/// What the scanner made of the bytes so far.
enum class scan : std::uint8_t {
  /// The header goes on: more bytes are needed.
  incomplete,
  /// The header ends at end().
  complete,
  /// A control character, a CR or LF on its own, or a folded line: 400.
  malformed,
  /// 414.
  request_line_too_long,
  /// 431.
  header_too_large,
  /// 431.
  too_many_fields,
};

/// The state of one header's scan.
class head_scanner {
public:
  /// Goes on where the last call stopped.
  /// @param data  all the bytes since the header's beginning.
  scan feed(std::string_view data) noexcept;

  /// Offset behind the empty line, after `complete`.
  std::size_t end() const noexcept { return at_; }
  /// Offset of the request line: an empty line may stand before it
  /// (RFC 9112, section 2.2).
  std::size_t begin() const noexcept { return begin_; }

private:
  // `at_` stands on a CR whose LF has come: takes both.
  scan end_line() noexcept;

  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  std::size_t line_ = 0;
  std::size_t lines_ = 0;
};

} // namespace panal::http
