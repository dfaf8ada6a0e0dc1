// http/key: a key that is let through is UTF-8 without control characters,
// within the limit, and exactly what its escapes say.

#include "http/key.hpp"

#include "fuzz/input.hpp"

#include <string>

using namespace panal;
using namespace panal::http;

namespace {

// Less than a node's limit, so that inputs stay short and are many.
constexpr std::size_t bytes_max = 200;

/// UTF-8 by its definition, code point by code point: slow, and written
/// without a look at the code under test.
bool is_utf8_by_definition(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i++]);
    if (lead < 0x80)
      continue;
    const unsigned tails = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
    if (lead < 0xc0 || lead >= 0xf8 || text.size() - i < tails)
      return false;
    std::uint32_t point = lead & (0x3fU >> tails);
    for (unsigned n = 0; n < tails; ++n) {
      const auto tail = static_cast<unsigned char>(text[i++]);
      if ((tail & 0xc0U) != 0x80)
        return false;
      point = (point << 6U) | (tail & 0x3fU);
    }
    constexpr std::uint32_t lowest[] = {0, 0x80, 0x800, 0x10000};
    if (point < lowest[tails] || point > 0x10ffff
        || (point >= 0xd800 && point <= 0xdfff))
      return false;
  }
  return true;
}

bool has_control(std::string_view text) {
  for (const char c : text)
    if ((c >= 0 && c < ' ') || c == '\x7f')
      return true;
  return false;
}

std::string escape_all(std::string_view key) {
  constexpr char digits[] = "0123456789aBcDeF";
  std::string out;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 0xfU];
  }
  return out;
}

void check_key(std::string_view raw, const std::string& key) {
  PANAL_HOLDS(!key.empty() && key.size() <= bytes_max);
  PANAL_HOLDS(key.size() <= raw.size());
  PANAL_HOLDS(is_utf8_by_definition(key));
  PANAL_HOLDS(!has_control(key));
  if (raw.find('%') == std::string_view::npos)
    PANAL_HOLDS(key == raw);
  std::string again;
  PANAL_HOLDS(decode_key(escape_all(key), bytes_max, again) == key_error::none);
  PANAL_HOLDS(again == key);
  // One byte less of room, and it is too long: no other answer.
  PANAL_HOLDS(decode_key(raw, key.size(), again) == key_error::none);
  PANAL_HOLDS(decode_key(raw, key.size() - 1, again) == key_error::too_long);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto raw = fuzz::input{data, size}.rest();
  PANAL_HOLDS(is_utf8(raw) == is_utf8_by_definition(raw));
  std::string key;
  const auto error = decode_key(raw, bytes_max, key);
  if (error == key_error::none)
    check_key(raw, key);
  else if (raw.find('%') == std::string_view::npos)
    PANAL_HOLDS(raw.empty() || raw.size() > bytes_max || has_control(raw)
                || !is_utf8_by_definition(raw));
  return 0;
}
