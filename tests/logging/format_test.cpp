#include "logging/format.hpp"

#include <doctest/doctest.h>

#include <limits>

using namespace panal;
using namespace panal::log;
using namespace std::chrono_literals;

namespace {

constexpr auto text = log_format::text;
constexpr auto json = log_format::json;

/// 2026-01-01T00:00:00Z plus so much.
std::chrono::system_clock::time_point at(std::chrono::microseconds x = 0us) {
  using namespace std::chrono;
  return sys_days{2026y / January / 1} + x;
}

std::string info_line(log_format format, fields values) {
  return format_line(format, at(), log_level::info, "serving", "node1", values);
}

} // namespace

TEST_CASE("a text line has time, level, event, node, then the fields") {
  CHECK(info_line(text, {{"http", "127.0.0.1:8001"}, {"shards", 2}})
        == "2026-01-01T00:00:00.000Z info serving node=node1 "
           "http=127.0.0.1:8001 shards=2");
  CHECK(info_line(text, {})
        == "2026-01-01T00:00:00.000Z info serving node=node1");
}

TEST_CASE("a JSON line is one object with numbers as numbers") {
  CHECK(info_line(json, {{"http", "127.0.0.1:8001"}, {"shards", 2}})
        == R"({"time":"2026-01-01T00:00:00.000Z","level":"info",)"
           R"("event":"serving","node":"node1","http":"127.0.0.1:8001",)"
           R"("shards":2})");
}

TEST_CASE("times are UTC and cut to milliseconds, also before 1970") {
  CHECK(to_string(at(1'234'999us)) == "2026-01-01T00:00:01.234Z");
  CHECK(to_string(at(-1us)) == "2025-12-31T23:59:59.999Z");
  CHECK(to_string(std::chrono::system_clock::time_point{-1us})
        == "1969-12-31T23:59:59.999Z");
  using namespace std::chrono;
  CHECK(to_string(sys_days{2028y / February / 29} + 13h + 5min)
        == "2028-02-29T13:05:00.000Z");
}

TEST_CASE("levels have the names of the option") {
  CHECK(to_string(log_level::debug) == "debug");
  CHECK(to_string(log_level::info) == "info");
  CHECK(to_string(log_level::warning) == "warning");
  CHECK(to_string(log_level::error) == "error");
}

TEST_CASE("a text value is quoted as soon as it could be misread") {
  CHECK(text_value("a/b:c,d{}[]'#-") == "a/b:c,d{}[]'#-");
  CHECK(text_value("") == R"("")");
  CHECK(text_value("a b") == R"("a b")");
  CHECK(text_value("a=b") == R"("a=b")");
  CHECK(text_value("a\"b") == R"("a\"b")");
  CHECK(text_value("a\\nb") == R"("a\\nb")");
  CHECK(text_value("caf\xc3\xa9") == R"("caf\xc3\xa9")");
}

TEST_CASE("no value forges a line, a field or a terminal's escape") {
  const std::string attack = "x\n2026 error gone node=other\r\x1b]0;x\x07\x9b";
  auto line = info_line(text, {{"key", attack}});
  for (char c : line)
    CHECK((c >= 0x20 && c < 0x7f));
  CHECK(line
        == "2026-01-01T00:00:00.000Z info serving node=node1 key="
           R"("x\n2026 error gone node=other\r\x1b]0;x\x07\x9b")");
  auto other = info_line(json, {{"key", attack + "\",\"node\":\"b"}});
  for (char c : other)
    CHECK((c < 0 || c >= 0x20));
  CHECK(other.find(R"(\",\"node\":\"b"})") != std::string::npos);
}

TEST_CASE("names, events and the node are escaped as well") {
  auto line =
      format_line(text, at(), log_level::info, "a\nb", "n 1", {{"k=1 x", "v"}});
  CHECK(line == R"(2026-01-01T00:00:00.000Z info "a\nb" node="n 1" "k=1 x"=v)");
}

TEST_CASE("every single byte makes a printable text value") {
  for (int i = 0; i < 256; ++i)
    for (char c : text_value(std::string(1, static_cast<char>(i))))
      CHECK((c >= 0x20 && c < 0x7f));
}

TEST_CASE("JSON strings escape what JSON and terminals act upon") {
  CHECK(json_string("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(json_string("\n\r\t\x01\x1b\x7f") == R"("\n\r\t\u0001\u001b\u007f")");
  CHECK(json_string({"\0", 1}) == R"("\u0000")");
  CHECK(json_string("caf\xc3\xa9 \xf0\x9f\x90\x9d")
        == "\"caf\xc3\xa9 \xf0\x9f\x90\x9d\"");
  CHECK(json_string("\xc2\x9b\xe2\x80\xa8\xe2\x80\xae")
        == R"("\u009b\u2028\u202e")");
}

TEST_CASE("bytes that are not UTF-8 become the replacement character") {
  const std::string mark = "\xef\xbf\xbd";
  for (const auto* bytes : {"\xff", "\x80", "\xc3", "\xc0", "\xf5"})
    CHECK(json_string(std::string{"a"} + bytes + "b") == "\"a" + mark + "b\"");
  // Overlong, surrogate, beyond the last code point, cut short.
  CHECK(json_string("\xc0\xaf") == "\"" + mark + mark + "\"");
  CHECK(json_string("\xe0\x80\xaf") == "\"" + mark + mark + mark + "\"");
  CHECK(json_string("\xed\xa0\x80") == "\"" + mark + mark + mark + "\"");
  CHECK(json_string("\xf4\x90\x80\x80")
        == "\"" + mark + mark + mark + mark + "\"");
  CHECK(json_string("\xe2\x82") == "\"" + mark + mark + "\"");
  CHECK(json_string("\xe2\x82\"") == "\"" + mark + mark + "\\\"\"");
}

TEST_CASE("only what is a number goes bare into JSON") {
  CHECK(info_line(json, {{"n", std::numeric_limits<std::int64_t>::min()}})
            .find(R"("n":-9223372036854775808})")
        != std::string::npos);
  field forged{"n", "1,\"node\":2"};
  forged.is_number = true;
  CHECK(info_line(json, {forged}).find(R"("n":"1,\"node\":2"})")
        != std::string::npos);
  field padded{"n", "007"};
  padded.is_number = true;
  CHECK(info_line(json, {padded}).find(R"("n":"007"})") != std::string::npos);
  CHECK(info_line(json, {{"n", "12"}}).find(R"("n":"12"})")
        != std::string::npos);
}
