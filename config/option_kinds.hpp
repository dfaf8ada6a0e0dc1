#pragma once

// The kinds that most options are of: a number in a range, a checked text, a
// choice of names. Each makes a row of the table from a member of `options`,
// whose value in a fresh struct is the default.

#include "config/option_table.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace panal {

/// A high end that stands for "no limit": the greatest signed number.
inline constexpr std::uint64_t number_max =
    std::numeric_limits<std::int64_t>::max();

/// The numbers an option may have, and what they count.
struct number_range {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::string_view unit = {};
};

/// "1..64 threads", or "at least 1 bytes" without a high end.
std::string to_text(const number_range& x);

/// The whole text as a decimal number within the range, or nothing.
std::optional<std::uint64_t> parse_number(std::string_view text,
                                          const number_range& allowed);

inline std::uint64_t to_number(std::chrono::milliseconds x) {
  return static_cast<std::uint64_t>(x.count());
}

inline std::uint64_t to_number(std::uint64_t x) {
  return x;
}

/// A whole number within a range.
template <class Number>
option_spec number_option(std::string_view name, Number options::*member,
                          number_range allowed, std::string_view meaning) {
  return {.name = name,
          .kind = option_kind::number,
          .default_text = std::to_string(to_number(options{}.*member)),
          .allowed = to_text(allowed),
          .meaning = meaning,
          .set = [=](draft& d, std::string_view text) {
            auto value = parse_number(text, allowed);
            if (value)
              d.chosen.*member = Number(*value);
            return value.has_value();
          }};
}

using text_check = bool (*)(std::string_view);

/// A text that passes the check, which the sentence `allowed` describes.
option_spec text_option(std::string_view name, std::string options::*member,
                        text_check check, std::string_view allowed,
                        std::string_view meaning);

template <class Enum>
using choices = std::vector<std::pair<std::string_view, Enum>>;

/// One of several names, spelled exactly.
template <class Enum>
option_spec choice_option(std::string_view name, Enum options::*member,
                          const choices<Enum>& all, std::string_view meaning) {
  option_spec result{.name = name, .meaning = meaning};
  for (const auto& [label, value] : all) {
    if (!result.allowed.empty())
      result.allowed += ", ";
    result.allowed += label;
    if (value == options{}.*member)
      result.default_text = label;
  }
  result.set = [=](draft& d, std::string_view value) {
    auto has_label = [&](const auto& x) { return x.first == value; };
    auto found = std::find_if(all.begin(), all.end(), has_label);
    if (found != all.end())
      d.chosen.*member = found->second;
    return found != all.end();
  };
  return result;
}

} // namespace panal
