#include "http/number_hiding_stream.hpp"

namespace panal::http {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

std::size_t count_digits(std::string_view text, std::size_t from) noexcept {
  std::size_t n = 0;
  while (from + n < text.size() && is_digit(text[from + n]))
    ++n;
  return n;
}

} // namespace

std::size_t number_bytes(std::string_view text) noexcept {
  std::size_t i = text.starts_with('-') ? 1 : 0;
  const auto whole = count_digits(text, i);
  if (whole == 0 || (whole > 1 && text[i] == '0'))
    return 0;
  i += whole;
  if (i < text.size() && text[i] == '.') {
    const auto fraction = count_digits(text, i + 1);
    if (fraction == 0)
      return 0;
    i += 1 + fraction;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-'))
      ++i;
    const auto exponent = count_digits(text, i);
    if (exponent == 0)
      return 0;
    i += exponent;
  }
  return i;
}

} // namespace panal::http
