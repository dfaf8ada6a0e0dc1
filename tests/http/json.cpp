#include "http/json.hpp"

#include "driver.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace panal;
using namespace panal::http;
using namespace panal::http::test;

namespace {

std::string with_value(std::string_view value) {
  return R"({"version":1,"value":)" + std::string{value} + "}";
}

// The value's text as it was found; what is wrong with it fails the test.
std::string kept(std::string_view value) {
  const auto body = with_value(value);
  const auto got = parse_put_body(body);
  CAPTURE(value);
  CHECK(got.error == body_error::none);
  return std::string{got.value};
}

body_error error_of(std::string_view body) {
  return parse_put_body(body).error;
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

void check_field(std::string_view body, body_error error,
                 std::string_view field) {
  CAPTURE(body);
  const auto got = parse_put_body(body);
  CHECK(got.error == error);
  CHECK(got.field == field);
}

} // namespace

TEST_CASE("a value is kept byte for byte") {
  for (const auto* value :
       {"1",
        "1.10",
        "1E400",
        "1e-400",
        "-0",
        "-0.0",
        "0e0",
        "1e+5",
        "123456789012345678901234567890",
        "true",
        "false",
        "null",
        "\"\"",
        R"("\u00e9\n\/\"\\")",
        R"("\ud83d\ude00")",
        R"({"b":1,"a":2})",
        R"({"a":1,"a":2})",
        "[1 , 2,\t3\r\n]",
        "{ }",
        "[ ]",
        R"({"version":9,"ttl_ms":1.5,"value":"x","other":[]})",
        "\"\xc3\xa9\"",
        R"("-1 2e5 : } ] ,")",
        R"(["\\",1,"\"",-2])"})
    CHECK(kept(value) == value);
  CHECK(kept("  1.10 \n") == "1.10");
}

TEST_CASE("the members come in any order with any white space") {
  const auto got = parse_put_body(" {\n\"ttl_ms\" : 5 , \"value\" :\t[1] ,"
                                  "\"version\":9223372036854775807 }\r\n");
  CHECK(got.error == body_error::none);
  CHECK(got.value == "[1]");
  CHECK(got.version == 9223372036854775807);
  CHECK(got.ttl_ms == 5);
}

TEST_CASE("names count as what they spell") {
  CHECK(error_of(R"({"v\u0061lue":1,"version":1})") == body_error::none);
  CHECK(error_of(R"({"v\u0061lue":1,"value":2,"version":1})")
        == body_error::not_json);
}

TEST_CASE("what is not JSON is refused") {
  using namespace std::string_literals;
  for (const auto& body : {""s,
                           " "s,
                           "nope"s,
                           "{"s,
                           "}"s,
                           "{\"value\":1,\"version\":1"s,
                           "{\"value\":1,\"version\":1}}"s,
                           "{\"value\":1,\"version\":1} x"s,
                           "{\"value\":1,\"version\":1}{}"s,
                           "{\"value\":1,\"version\":1}\0"s,
                           "{\"value\":1,\"version\":1}\0garbage"s,
                           "{\"value\":1,}"s,
                           "{'value':1}"s,
                           "{value:1}"s,
                           "/* c */{\"value\":1,\"version\":1}"s,
                           "{\"value\":1,\"version\":1}// c"s,
                           "{\"value\" 1}"s,
                           "\xef\xbb\xbf{\"value\":1,\"version\":1}"s,
                           "{\0\"\0v\0\"\0:\0001\0}\0"s,
                           "\xff\xfe{\0}\0"s})
    CHECK(error_of(body) == body_error::not_json);
  for (const auto& value :
       {"NaN"s,   "Infinity"s, "-Infinity"s, "-"s,       "01"s,
        "1."s,    ".5"s,       "1e"s,        "1e+"s,     "+1"s,
        "0x5"s,   "1_0"s,      "--1"s,       "-01"s,     "1.e5"s,
        "00"s,    "1 2"s,      "tru"s,       "True"s,    "'a'"s,
        "\"a"s,   "\"\x01\""s, "\"\n\""s,    "\"\\x\""s, "\"\\u12\""s,
        "[1,]"s,  "[,1]"s,     "[1"s,        "{\"a\"}"s, "{\"a\":}"s,
        "{1:2}"s, "[1}"s,      ""s,          "\"\0\""s})
    CHECK(error_of(with_value(value)) == body_error::not_json);
}

TEST_CASE("a number that goes on behind its end is refused") {
  for (const auto* value : {"1.2.3", "1e5e5", "1E5.5", "-0.0e-5E4", "[1.5.5]",
                            "{\"a\":2e2E2}", "1.2.", "1e5e"}) {
    CAPTURE(value);
    CHECK(error_of(with_value(value)) == body_error::not_json);
  }
}

TEST_CASE("bytes that are not UTF-8 and lone surrogates are refused") {
  for (const auto* text :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xc3", "\xf4\x90\x80\x80",
        "\\ud800", "\\udc00", "\\ud800\\ud800", "a\\udfff"}) {
    CHECK(error_of(with_value("\"" + std::string{text} + "\""))
          == body_error::not_json);
    CHECK(error_of(with_value("{\"" + std::string{text} + "\":1}"))
          == body_error::not_json);
  }
}

TEST_CASE("a value of depth 64 is taken, of depth 65 it is not") {
  CHECK(kept(nested(64)) == nested(64));
  CHECK(error_of(with_value(nested(65))) == body_error::not_json);
}

TEST_CASE("depth 100,000 is refused in less than 10 ms") {
  const auto body = with_value(nested(100'000));
  const auto from = std::chrono::steady_clock::now();
  CHECK(error_of(body) == body_error::not_json);
  CHECK(error_of(std::string(100'000, '[')) == body_error::not_json);
  CHECK(std::chrono::steady_clock::now() - from < 10ms);
}

TEST_CASE("a number of a million digits is kept") {
  const std::string digits(1'000'000, '7');
  CHECK(kept(digits) == digits);
  CHECK(kept("-0." + digits) == "-0." + digits);
  CHECK(kept("1e" + digits) == "1e" + digits);
}

TEST_CASE("many small numbers and many names take linear time") {
  std::string list = "[1";
  for (int i = 0; i < 200'000; ++i)
    list += ",1";
  list += ']';
  CHECK(kept(list) == list);
  std::string names = R"({"value":1,"version":1)";
  for (int i = 0; i < 50'000; ++i)
    names += ",\"n" + std::to_string(i) + "\":0";
  CHECK(error_of(names + '}') == body_error::bad_member);
}

TEST_CASE("a name that appears twice is refused") {
  for (const auto* body : {R"({"version":1,"version":9,"value":1})",
                           R"({"version":1,"value":9,"value":1})",
                           R"({"version":1,"value":9,"ttl_ms":1,"ttl_ms":1})",
                           R"({"version":1,"value":9,"x":1,"x":1})"})
    CHECK(error_of(body) == body_error::not_json);
}

TEST_CASE("version and ttl_ms must be int64 literals") {
  for (const auto* number :
       {"1.0", "1e400", "1E-400", "-0", "9223372036854775808",
        "18446744073709551616", "1e0", "-9223372036854775809", "0.5"}) {
    check_field(R"({"value":1,"version":)" + std::string{number} + "}",
                body_error::not_an_integer, "version");
    check_field(R"({"value":1,"version":1,"ttl_ms":)" + std::string{number}
                    + "}",
                body_error::not_an_integer, "ttl_ms");
  }
}

TEST_CASE("a member that is missing, wrong or unknown is named") {
  check_field("{}", body_error::bad_member, "value");
  check_field(R"({"version":1})", body_error::bad_member, "value");
  check_field(R"({"value":1})", body_error::bad_member, "version");
  for (const auto* text : {"\"1\"", "null", "true", "[1]", "{}"}) {
    check_field(R"({"value":1,"version":)" + std::string{text} + "}",
                body_error::bad_member, "version");
    check_field(R"({"value":1,"version":1,"ttl_ms":)" + std::string{text} + "}",
                body_error::bad_member, "ttl_ms");
  }
  check_field(R"({"value":1,"version":-1})", body_error::bad_member, "version");
  check_field(R"({"value":1,"version":1,"ttl_ms":0})", body_error::bad_member,
              "ttl_ms");
  check_field(R"({"value":1,"version":1,"ttl_ms":-5})", body_error::bad_member,
              "ttl_ms");
  check_field(R"({"value":1,"version":1,"ttl":5})", body_error::bad_member,
              "ttl");
  check_field(R"({"value":1,"version":1,"Value":5})", body_error::bad_member,
              "Value");
}

TEST_CASE("a body that is JSON but no object names nothing") {
  for (const auto* body : {"[]", "1", "\"a\"", "null", "[{\"value\":1}]"})
    check_field(body, body_error::bad_member, "");
}
