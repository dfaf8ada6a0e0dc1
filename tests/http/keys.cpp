#include "driver.hpp"
#include "http/key.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace panal;
using namespace panal::http;
using namespace panal::http::test;

namespace {

std::string decoded(std::string_view raw) {
  std::string key;
  REQUIRE(decode_key(raw, 1024, key) == key_error::none);
  return key;
}

// What GET /cache/{raw} asks the cache for.
std::string asked_for(std::string_view raw) {
  driver d;
  d.send(request("GET /cache/" + std::string{raw}));
  REQUIRE(d.operations == 1);
  return d.last.key;
}

int status_of_get(std::string_view raw) {
  return status_in(ask(request("GET /cache/" + std::string{raw})).text);
}

} // namespace

TEST_CASE("a key is decoded once, and what looks like a path is none") {
  CHECK(asked_for("%2e%2e%2f") == "../");
  CHECK(asked_for("..%5c") == "..\\");
  CHECK(asked_for("%252e") == "%2e");
  CHECK(asked_for("/") == "/");
  CHECK(asked_for("a//b") == "a//b");
  CHECK(asked_for("../../etc/passwd") == "../../etc/passwd");
  CHECK(asked_for("a+b") == "a+b");
  CHECK(asked_for("a%20b") == "a b");
  CHECK(asked_for("a%3Fb%23c") == "a?b#c");
}

TEST_CASE("what has a meaning elsewhere is literal in a key") {
  CHECK(asked_for("'%3B%20DROP%20TABLE%20kv%3B--") == "'; DROP TABLE kv;--");
  CHECK(asked_for("%25") == "%");
  CHECK(asked_for("_") == "_");
  CHECK(asked_for("*") == "*");
}

TEST_CASE("malformed escapes get 400") {
  for (const auto* raw : {"%", "a%", "%2", "%zz", "%2g", "%g2", "%%20", "% 20"})
    if (std::string_view{raw}.find(' ') == std::string_view::npos)
      CHECK(status_of_get(raw) == 400);
}

TEST_CASE("control characters get 400 and truncate nothing") {
  for (const auto* raw :
       {"%00", "a%00b", "%0d%0a", "%0a", "%1f", "%7f", "a%09", "%1b%5b"})
    CHECK(status_of_get(raw) == 400);
}

TEST_CASE("overlong forms, surrogates and broken UTF-8 get 400") {
  for (const auto* raw : {"%c0%80",       "%c0%af",       "%c1%bf",
                          "%e0%80%80",    "%e0%9f%bf",    "%f0%80%80%80",
                          "%f0%8f%bf%bf", "%ed%a0%80",    "%ed%bf%bf",
                          "%f4%90%80%80", "%f5%80%80%80", "%80",
                          "%bf",          "%c3",          "%e2%82",
                          "%f0%9f%98",    "%ff",          "%fe",
                          "%c3%c3",       "%c3a",         "%ed%a0%bd%ed%b8%80"})
    CHECK(status_of_get(raw) == 400);
}

TEST_CASE("the bounds of UTF-8 are keys") {
  for (const auto* raw :
       {"%c2%80", "%df%bf", "%e0%a0%80", "%ed%9f%bf", "%ee%80%80", "%ef%bf%bf",
        "%f0%90%80%80", "%f4%8f%bf%bf"})
    CHECK(status_of_get(raw) == 404);
}

TEST_CASE("spellings that look alike are distinct keys, byte for byte") {
  const std::set<std::string> keys{
      decoded("%c3%a9"),     // NFC
      decoded("e%cc%81"),    // NFD
      decoded("e"),          //
      decoded("e%e2%80%8b"), // zero-width space
      decoded("e%e2%80%8f"), // right-to-left mark
      decoded("%e2%80%8fe"),
  };
  CHECK(keys.size() == 6);
  CHECK(decoded("%C3%A9") == decoded("%c3%a9"));
}

TEST_CASE("an empty key gets 400") {
  for (const auto* verb : {"GET", "PUT", "DELETE", "HEAD"})
    CHECK(status_in(ask(request(std::string{verb} + " /cache/")).text) == 400);
}

TEST_CASE("a key of the limit is taken, one byte more gets 414") {
  CHECK(status_of_get(std::string(1024, 'k')) == 404);
  CHECK(status_of_get(std::string(1025, 'k')) == 414);
  std::string escaped;
  for (int i = 0; i < 1024; ++i)
    escaped += "%6b";
  CHECK(asked_for(escaped) == std::string(1024, 'k'));
  CHECK(status_of_get(escaped + "k") == 414);
}

TEST_CASE("a query that says something gets 400") {
  CHECK(status_of_get("k?a=1") == 400);
  CHECK(status_of_get("k?a") == 400);
  CHECK(status_of_get("k?") == 404);
  CHECK(status_in(ask(request("GET /_health?x=1")).text) == 400);
}
