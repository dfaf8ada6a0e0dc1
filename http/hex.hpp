#pragma once

// Stamps and hashes as the API shows them.

#include "storage/stamp.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace panal::http {

/// The two digits of each byte, one byte after the other.
inline constexpr auto hex_digits = [] {
  constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 512> all{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    all[2 * byte] = digits[byte >> 4];
    all[2 * byte + 1] = digits[byte & 0xf];
  }
  return all;
}();

/// Appends `n` as exactly 16 hexadecimal digits. Every write's answer shows
/// two such numbers.
inline void append_hex(std::string& out, std::uint64_t n) {
  std::array<char, 16> text;
  for (std::size_t i = 16; i > 0; n >>= 8) {
    i -= 2;
    std::memcpy(text.data() + i, hex_digits.data() + 2 * (n & 0xff), 2);
  }
  out.append(text.data(), text.size());
}

/// Appends "0001951d2f0a0000-3f0c9a1be2d47788": the hlc, then the origin.
/// Texts of this form order as their stamps do.
inline void append_stamp(std::string& out, const stamp& at) {
  append_hex(out, at.hlc);
  out += '-';
  append_hex(out, at.origin);
}

} // namespace panal::http
