#include "config/option_kinds.hpp"

#include <charconv>

namespace panal {

std::string to_text(const number_range& x) {
  auto text = x.high == number_max
                  ? "at least " + std::to_string(x.low)
                  : std::to_string(x.low) + ".." + std::to_string(x.high);
  if (!x.unit.empty())
    text.append(" ").append(x.unit);
  return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text,
                                          const number_range& allowed) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || number < allowed.low
      || number > allowed.high)
    return std::nullopt;
  return number;
}

option_spec text_option(std::string_view name, std::string options::*member,
                        text_check check, std::string_view allowed,
                        std::string_view meaning) {
  auto default_text = options{}.*member;
  return {.name = name,
          .default_text = default_text.empty() ? "none" : default_text,
          .allowed = std::string{allowed},
          .meaning = meaning,
          .set = [=](draft& d, std::string_view value) {
            if (!check(value))
              return false;
            d.chosen.*member = value;
            return true;
          }};
}

} // namespace panal
