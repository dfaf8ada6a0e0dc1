#include "logging/format.hpp"

#include "config/quote.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace panal::log {

namespace {

/// One code point at the start of a text.
struct decoded {
  char32_t code = 0xfffd;
  std::size_t size = 1;
  bool valid = false;
};

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80;
}

/// Strict UTF-8 (RFC 3629): neither overlong forms nor surrogates.
decoded decode(std::string_view text) {
  auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80)
    return {first, 1, true};
  std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size)
    return {};
  char32_t code = first & (0x7fU >> size);
  for (char c : text.substr(1, size - 1)) {
    if (!is_continuation(c))
      return {};
    code = (code << 6U) | (static_cast<unsigned char>(c) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[size] || code > 0x10ffff
      || (code >= 0xd800 && code <= 0xdfff))
    return {};
  return {code, size, true};
}

/// What a terminal or an editor may act upon instead of showing it.
bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
         || (code >= 0x200e && code <= 0x200f)
         || (code >= 0x2028 && code <= 0x202e)
         || (code >= 0x2066 && code <= 0x2069) || code == 0xfeff;
}

void append_unicode_escape(std::string& out, char32_t code) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "\\u%04x",
                static_cast<unsigned>(code) & 0xffffU);
  out += text.data();
}

void append_json(std::string& out, std::string_view raw, const decoded& x) {
  switch (x.code) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  default:
    break;
  }
  if (!x.valid)
    out += "\xef\xbf\xbd";
  else if (is_control(x.code))
    append_unicode_escape(out, x.code);
  else
    out += raw;
}

/// Whether JSON takes the text for an integer. A field says so itself, but
/// its members are open.
bool is_integer(std::string_view text) {
  if (text.starts_with('-'))
    text.remove_prefix(1);
  auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit)
         && (text.size() == 1 || text.front() != '0');
}

std::string text_line(std::string_view time, std::string_view level,
                      std::string_view event, std::string_view node,
                      fields values) {
  std::string out{time};
  out.append(" ").append(level).append(" ").append(text_value(event));
  out.append(" node=").append(text_value(node));
  for (const auto& x : values) {
    out.append(" ").append(text_value(x.name));
    out.append("=").append(text_value(x.value));
  }
  return out;
}

std::string json_line(std::string_view time, std::string_view level,
                      std::string_view event, std::string_view node,
                      fields values) {
  std::string out = "{\"time\":\"";
  out.append(time).append("\",\"level\":\"").append(level);
  out.append("\",\"event\":").append(json_string(event));
  out.append(",\"node\":").append(json_string(node));
  for (const auto& x : values) {
    out.append(",").append(json_string(x.name)).append(":");
    out += x.is_number && is_integer(x.value) ? x.value : json_string(x.value);
  }
  out += '}';
  return out;
}

} // namespace

std::string_view to_string(log_level x) {
  switch (x) {
  case log_level::debug:
    return "debug";
  case log_level::info:
    return "info";
  case log_level::warning:
    return "warning";
  case log_level::error:
    return "error";
  }
  return "error";
}

std::string to_string(std::chrono::system_clock::time_point x) {
  namespace chr = std::chrono;
  auto since_day = x - chr::floor<chr::days>(x);
  chr::year_month_day date{chr::floor<chr::days>(x)};
  chr::hh_mm_ss time{chr::floor<chr::milliseconds>(since_day)};
  std::array<char, 64> text{};
  std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
      static_cast<int>(time.minutes().count()),
      static_cast<int>(time.seconds().count()),
      static_cast<int>(time.subseconds().count()));
  return text.data();
}

std::string text_value(std::string_view x) {
  auto is_plain = [](char c) {
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '=';
  };
  if (!x.empty() && std::all_of(x.begin(), x.end(), is_plain))
    return std::string{x};
  return quoted(x);
}

std::string json_string(std::string_view x) {
  std::string out;
  out.reserve(x.size() + 2);
  out += '"';
  while (!x.empty()) {
    auto next = decode(x);
    append_json(out, x.substr(0, next.size), next);
    x.remove_prefix(next.size);
  }
  out += '"';
  return out;
}

std::string format_line(log_format format,
                        std::chrono::system_clock::time_point time,
                        log_level level, std::string_view event,
                        std::string_view node, fields values) {
  auto line = format == log_format::json ? json_line : text_line;
  return line(to_string(time), to_string(level), event, node, values);
}

} // namespace panal::log
