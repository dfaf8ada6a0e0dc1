#include "http/time_format.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace panal::http {
namespace {

// Appends `n` in exactly `width` digits.
void append_digits(std::string& out, unsigned n, std::size_t width) {
  std::array<char, 10> text{};
  for (std::size_t i = width; i-- > 0; n /= 10)
    text[i] = static_cast<char>('0' + n % 10);
  out.append(text.data(), width);
}

struct broken_down {
  std::chrono::year_month_day date;
  unsigned weekday;
  unsigned hours, minutes, seconds, millis;
};

broken_down split(unix_ms t) {
  using namespace std::chrono;
  const sys_time<milliseconds> at{milliseconds{t}};
  const auto day = floor<days>(at);
  const hh_mm_ss time{at - day};
  return {year_month_day{day},
          weekday{day}.c_encoding(),
          static_cast<unsigned>(time.hours().count()),
          static_cast<unsigned>(time.minutes().count()),
          static_cast<unsigned>(time.seconds().count()),
          static_cast<unsigned>(time.subseconds().count())};
}

void append_clock(std::string& out, const broken_down& t) {
  append_digits(out, t.hours, 2);
  out += ':';
  append_digits(out, t.minutes, 2);
  out += ':';
  append_digits(out, t.seconds, 2);
}

} // namespace

void append_timestamp(std::string& out, unix_ms t) {
  const auto at = split(t);
  append_digits(out, static_cast<unsigned>(static_cast<int>(at.date.year())),
                4);
  out += '-';
  append_digits(out, static_cast<unsigned>(at.date.month()), 2);
  out += '-';
  append_digits(out, static_cast<unsigned>(at.date.day()), 2);
  out += 'T';
  append_clock(out, at);
  out += '.';
  append_digits(out, at.millis * 1000, 6);
}

void append_http_date(std::string& out, unix_ms t) {
  constexpr std::string_view weekdays = "SunMonTueWedThuFriSat";
  constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto at = split(t);
  out += weekdays.substr(at.weekday * 3, 3);
  out += ", ";
  append_digits(out, static_cast<unsigned>(at.date.day()), 2);
  out += ' ';
  out += months.substr((static_cast<unsigned>(at.date.month()) - 1) * 3, 3);
  out += ' ';
  append_digits(out, static_cast<unsigned>(static_cast<int>(at.date.year())),
                4);
  out += ' ';
  append_clock(out, at);
  out += " GMT";
}

} // namespace panal::http
