#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace panal::fuzz {

/// `text` with the letters A to Z made small.
inline std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// How often `what` stands in `text`, without overlaps.
inline std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size()))
    ++n;
  return n;
}

} // namespace panal::fuzz
