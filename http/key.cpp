#include "http/key.hpp"

namespace panal::http {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

// Undoes the percent-encoding; false on a lone or malformed `%`.
bool percent_decode(std::string_view raw, std::string& out) {
  out.clear();
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out += raw[i];
      continue;
    }
    if (raw.size() - i < 3)
      return false;
    const int high = hex_digit(raw[i + 1]);
    const int low = hex_digit(raw[i + 2]);
    if (high < 0 || low < 0)
      return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

// How many bytes the character that starts `text` takes; 0: malformed. The
// bounds of the second byte rule out overlong forms, surrogates and what
// lies above U+10FFFF (RFC 3629, section 4).
std::size_t character_bytes(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto is_tail = [&](std::size_t i) { return (at(i) & 0xc0) == 0x80; };
  const unsigned lead = at(0);
  if (lead < 0x80)
    return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    return is_tail(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const unsigned lowest = lead == 0xe0 ? 0xa0 : 0x80;
    const unsigned highest = lead == 0xed ? 0x9f : 0xbf;
    return at(1) >= lowest && at(1) <= highest && is_tail(2) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const unsigned lowest = lead == 0xf0 ? 0x90 : 0x80;
    const unsigned highest = lead == 0xf4 ? 0x8f : 0xbf;
    return at(1) >= lowest && at(1) <= highest && is_tail(2) && is_tail(3) ? 4
                                                                           : 0;
  }
  return 0;
}

} // namespace

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto n = character_bytes(text);
    if (n == 0)
      return false;
    text.remove_prefix(n);
  }
  return true;
}

key_error decode_key(std::string_view raw, std::size_t bytes_max,
                     std::string& key) {
  if (!percent_decode(raw, key))
    return key_error::bad_escape;
  if (key.empty())
    return key_error::empty;
  for (const char c : key)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return key_error::control_character;
  if (!is_utf8(key))
    return key_error::not_utf8;
  // Last, so that a long key of garbage is called garbage.
  if (key.size() > bytes_max)
    return key_error::too_long;
  return key_error::none;
}

} // namespace panal::http
