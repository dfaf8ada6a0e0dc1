// The guard of HTTP framing, head_scanner and request_parser: a header's end is
// found alike wherever its bytes are cut, and what is let through holds nothing
// that another server could read as another end.
//
// The last byte says how many bytes before it say how the input is cut.

#include "fuzz/input.hpp"
#include "fuzz/text.hpp"
#include "http/head_scanner.hpp"
#include "http/request_parser.hpp"

#include <algorithm>

using namespace panal;
using namespace panal::fuzz;
using namespace panal::http;

namespace {

/// What a header that was let through must not hold, found by plain search.
void check_accepted(std::string_view bytes, const request_head& head) {
  const auto text = lower(bytes);
  PANAL_HOLDS(text.ends_with("\r\n\r\n"));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    PANAL_HOLDS(c != '\0' && c != '\x7f');
    PANAL_HOLDS(c != '\n' || (i > 0 && text[i - 1] == '\r'));
    PANAL_HOLDS(c != '\r' || text[i + 1] == '\n');
    PANAL_HOLDS(c != '\n' || i + 1 == text.size()
                || (text[i + 1] != ' ' && text[i + 1] != '\t'));
  }
  PANAL_HOLDS(text.find("\r\ntransfer-encoding:") == std::string::npos);
  const auto lengths = count_of(text, "\r\ncontent-length:");
  PANAL_HOLDS(lengths <= 1);
  PANAL_HOLDS(lengths == 1 || head.body_bytes == 0);
  PANAL_HOLDS(count_of(text, "\r\nhost:") == 1 || head.version == 10);
  PANAL_HOLDS(head.verb == method::connect || head.target == "*"
              || head.target.starts_with('/') || head.target.starts_with('?'));
  for (const char c : head.target)
    PANAL_HOLDS(c > ' ' && c <= '~' && c != '#' && c != '\\' && c != '"');
}

void check_guard(std::string_view bytes, std::string_view cuts) {
  head_scanner whole;
  const auto found = whole.feed(bytes);
  head_scanner pieces;
  auto found_in_pieces = scan::incomplete;
  std::size_t size = 0;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    if (found_in_pieces != scan::incomplete)
      break;
    size = std::min(bytes.size(), size + static_cast<unsigned char>(cuts[i]));
    found_in_pieces = pieces.feed(bytes.substr(0, size));
  }
  if (found_in_pieces == scan::incomplete)
    found_in_pieces = pieces.feed(bytes);
  PANAL_HOLDS(found == found_in_pieces);
  if (found != scan::complete)
    return;
  PANAL_HOLDS(whole.end() == pieces.end() && whole.begin() == pieces.begin());
  PANAL_HOLDS(whole.end() <= header_bytes_max);
  const auto header = bytes.substr(whole.begin(), whole.end() - whole.begin());
  request_head head;
  if (!parse_head(header, head))
    check_accepted(header, head);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const std::size_t cuts = in.byte() % 32U;
  const auto all = in.rest();
  const auto bytes = all.substr(0, all.size() - std::min(all.size(), cuts));
  check_guard(bytes, all.substr(bytes.size()));
  return 0;
}
