#pragma once

// Stamps and hashes as the API shows them.

#include "storage/stamp.hpp"

#include <cstdint>
#include <string>

namespace panal::http {

/// Appends `n` as exactly 16 hexadecimal digits.
inline void append_hex(std::string& out, std::uint64_t n) {
  char text[16];
  for (int i = 16; i-- > 0; n >>= 4)
    text[i] = "0123456789abcdef"[n & 0xf];
  out.append(text, sizeof text);
}

/// Appends "0001951d2f0a0000-3f0c9a1be2d47788": the hlc, then the origin.
/// Texts of this form order as their stamps do.
inline void append_stamp(std::string& out, const stamp& at) {
  append_hex(out, at.hlc);
  out += '-';
  append_hex(out, at.origin);
}

} // namespace panal::http
