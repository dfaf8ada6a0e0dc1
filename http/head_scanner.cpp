#include "http/head_scanner.hpp"

#include <algorithm>
#include <array>

namespace panal::http {
namespace {

// True for the bytes that may stand inside a line: everything but the C0
// controls (HTAB may) and DEL.
constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < table.size(); ++c)
    table[c] = (c >= 0x20 && c != 0x7f) || c == '\t';
  return table;
}();

} // namespace

scan head_scanner::feed(std::string_view data) noexcept {
  for (;;) {
    const auto limit =
        lines_ == 0 ? begin_ + request_line_bytes_max : header_bytes_max;
    const auto last = std::min(data.size(), limit);
    while (at_ < last && plain[static_cast<unsigned char>(data[at_])]) {
      // A line that begins with white space continues the one before
      // (obs-fold), which RFC 9112 forbids to senders.
      if (at_ == line_ && (data[at_] == ' ' || data[at_] == '\t'))
        return scan::malformed;
      ++at_;
    }
    // What ends the line must fit, too.
    if (at_ >= limit || (at_ < data.size() && at_ + 2 > limit))
      return lines_ == 0 ? scan::request_line_too_long : scan::header_too_large;
    if (at_ == data.size() || (data[at_] == '\r' && at_ + 1 == data.size()))
      return scan::incomplete;
    if (data[at_] != '\r' || data[at_ + 1] != '\n')
      return scan::malformed;
    if (const auto ended = end_line(); ended != scan::incomplete)
      return ended;
  }
}

scan head_scanner::end_line() noexcept {
  const bool empty = at_ == line_;
  at_ += 2;
  line_ = at_;
  if (!empty)
    return ++lines_ > header_fields_max + 1 ? scan::too_many_fields
                                            : scan::incomplete;
  if (lines_ > 0)
    return scan::complete;
  if (begin_ > 0)
    return scan::malformed;
  begin_ = at_;
  return scan::incomplete;
}

} // namespace panal::http
