#include "config/quote.hpp"

namespace panal {

namespace {

void append_escaped(std::string& out, char c) {
  static constexpr std::string_view hex = "0123456789abcdef";
  auto byte = static_cast<unsigned char>(c);
  switch (c) {
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  default:
    break;
  }
  if (byte >= 0x20 && byte < 0x7f) {
    out += c;
    return;
  }
  out += "\\x";
  out += hex[byte >> 4U];
  out += hex[byte & 0xfU];
}

} // namespace

std::string quoted(std::string_view text, std::size_t bytes_max) {
  auto shown = text.substr(0, bytes_max);
  std::string out;
  out.reserve(shown.size() + 2);
  out += '"';
  for (char c : shown)
    append_escaped(out, c);
  out += '"';
  if (shown.size() < text.size())
    out += "...";
  return out;
}

} // namespace panal
