#include "driver.hpp"
#include "http/time_format.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace panal::http;
using namespace panal::http::test;

namespace {

const std::string good = R"({"value":{"a":1.10},"version":3})";

std::string put(driver& d, std::string_view body,
                std::string_view fields = {}) {
  return d.send(request("PUT /cache/k", std::string{fields} + "Content-Length: "
                                            + std::to_string(body.size())
                                            + "\r\n")
                + std::string{body});
}

std::string problem_text(int status, std::string_view title,
                         std::string_view type, std::string_view rest) {
  return R"({"type":"urn:panal:problem:)" + std::string{type} + R"(","title":")"
         + std::string{title} + R"(","status":)" + std::to_string(status) + ","
         + std::string{rest} + "}";
}

} // namespace

TEST_CASE("a put is answered as the contract says") {
  driver d;
  const auto got = put(d, good);
  CHECK(got
        == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
           "Content-Length: 34\r\nDate: Wed, 01 Jan 2025 00:00:00 GMT\r\n"
           "Panal-Stamp: 01941f297c000001-00000000000000ab\r\n"
           "Panal-Durability: disk\r\n\r\n"
           R"({"status":"stored","node":"node1"})");
  CHECK(d.last.key == "k");
  CHECK(d.last.value == R"({"a":1.10})");
  CHECK(d.last.version == 3);
  CHECK(d.last.ttl_ms == 0);
}

TEST_CASE("a get is answered as the contract says") {
  driver d;
  put(d, good);
  auto got = d.send(request("GET /cache/k"));
  CHECK(body_in(got)
        == R"({"value":{"a":1.10},"version":3,"expires_at":null})");
  CHECK(field_in(got, "ETag") == "\"3\"");
  CHECK(field_in(got, "Content-Type") == "application/json");
  CHECK(field_in(got, "Content-Length") == std::to_string(body_in(got).size()));
  put(d, R"({"value":1,"version":4,"ttl_ms":1500})");
  got = d.send(request("GET /cache/k"));
  CHECK(
      body_in(got)
      == R"({"value":1,"version":4,"expires_at":"2025-01-01T00:00:01.500000"})");
}

TEST_CASE("what is not there and what has expired say so") {
  driver d;
  CHECK(body_in(d.send(request("GET /cache/k")))
        == problem_text(404, "Not Found", "not_found",
                        R"("detail":"Not found")"));
  put(d, R"({"value":1,"version":4,"ttl_ms":1500})");
  d.cache.now += 1500;
  const auto got = d.send(request("GET /cache/k"));
  CHECK(body_in(got)
        == problem_text(404, "Not Found", "expired", R"("detail":"Expired")"));
  CHECK(field_in(got, "Content-Type") == "application/problem+json");
}

TEST_CASE("a stale put gets 409 with the current version") {
  driver d;
  put(d, good);
  const auto got = put(d, good);
  CHECK(status_in(got) == 409);
  CHECK(got.ends_with(R"("current_version":3})"));
}

TEST_CASE("a delete is answered as the contract says") {
  driver d;
  put(d, good);
  CHECK(body_in(d.send(request("DELETE /cache/k")))
        == R"({"status":"deleted","node":"node1"})");
  CHECK(status_in(d.send(request("DELETE /cache/k"))) == 404);
}

TEST_CASE("health is answered without the cache") {
  driver d;
  CHECK(body_in(d.send(request("GET /_health")))
        == R"({"node":"node1","status":"ok"})");
  CHECK(d.operations == 0);
  const auto head = d.send(request("HEAD /_health"));
  CHECK(field_in(head, "Content-Length") == "30");
  CHECK(body_in(head).empty());
}

TEST_CASE("HEAD is GET without its body") {
  driver d;
  put(d, good);
  auto get = d.send(request("GET /cache/k"));
  const auto head = d.send(request("HEAD /cache/k"));
  CHECK(head == get.substr(0, get.find("\r\n\r\n") + 4));
  get = d.send(request("GET /cache/other"));
  CHECK(d.send(request("HEAD /cache/other"))
        == get.substr(0, get.find("\r\n\r\n") + 4));
}

TEST_CASE("If-None-Match that names the version gets 304") {
  driver d;
  put(d, good);
  const auto get = [&](std::string_view tags) {
    return d.send(request("GET /cache/k",
                          "If-None-Match: " + std::string{tags} + "\r\n"));
  };
  for (const auto* tags :
       {"\"3\"", "*", "W/\"3\"", "\"1\", \"3\"", "\"x\",\"3\""}) {
    const auto got = get(tags);
    CHECK(status_in(got) == 304);
    CHECK(field_in(got, "ETag") == "\"3\"");
    CHECK(body_in(got).empty());
  }
  for (const auto* tags : {"\"4\"", "3", "\"\"", "\"3", "\"03x\"", ","})
    CHECK(status_in(get(tags)) == 200);
  CHECK(status_in(d.send(request("GET /cache/no", "If-None-Match: *\r\n")))
        == 404);
}

TEST_CASE("a body must be JSON by its type, if it says a type") {
  const auto status = [](std::string_view type) {
    driver d;
    return status_in(
        put(d, good, "Content-Type: " + std::string{type} + "\r\n"));
  };
  for (const auto* type :
       {"application/json", "Application/JSON",
        "application/json; charset=utf-8", "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"", "application/vnd.x+json",
        "application/json;"})
    CHECK(status(type) == 200);
  for (const auto* type :
       {"text/plain", "application/x-www-form-urlencoded", "", "json",
        "application/json; charset=latin1", "application/jsonp",
        "application/json; boundary=x", "text/json", "application/+json",
        "application/json, text/plain"})
    CHECK(status(type) == 415);
  driver d;
  CHECK(status_in(put(d, good)) == 200);
  CHECK(status_in(put(d, good,
                      "Content-Type: application/json\r\n"
                      "Content-Type: application/json\r\n"))
        == 400);
}

TEST_CASE("mistakes in the body have their own statuses") {
  driver d;
  CHECK(status_in(put(d, "nope")) == 400);
  CHECK(status_in(d.send(request("PUT /cache/k"))) == 400);
  CHECK(status_in(put(d, R"({"value":1,"version":1.0})")) == 400);
  CHECK(body_in(put(d, R"({"value":1,"version":-1})"))
        == problem_text(422, "Unprocessable Content", "bad_member",
                        R"("detail":"The member is out of range",)"
                        R"("field":"version")"));
  CHECK(d.operations == 0);
}

TEST_CASE("an expiry beyond the year 9999 is refused, the last ms is not") {
  driver d;
  const auto left = last_expiry - d.wall.now();
  const auto body = [](std::int64_t ttl) {
    return R"({"value":1,"version":1,"ttl_ms":)" + std::to_string(ttl) + "}";
  };
  CHECK(status_in(put(d, body(left + 1))) == 422);
  CHECK(status_in(put(d, body(9223372036854775807))) == 422);
  CHECK(status_in(put(d, body(left))) == 200);
  CHECK(body_in(d.send(request("GET /cache/k")))
            .find("9999-12-31T23:59:59.999000")
        != std::string::npos);
}

TEST_CASE("every way to fail has its status") {
  const std::pair<errc, int> table[]{
      {errc::not_found, 404},         {errc::expired, 404},
      {errc::stale_version, 409},     {errc::storage_full, 507},
      {errc::storage_failed, 503},    {errc::memory_full, 507},
      {errc::overloaded, 503},        {errc::unavailable, 503},
      {errc::deadline_exceeded, 503}, {errc::corrupt, 500},
      {errc::clock_unsafe, 503},      {errc::rejoining, 503},
      {errc::conflict, 409},          {errc::unreadable, 503},
  };
  for (const auto& [code, status] : table) {
    driver d;
    d.cache.forced = code;
    const auto got = put(d, good);
    CHECK(status_in(got) == status);
    CHECK(got.find("urn:panal:problem:" + std::string{to_string(code)})
          != std::string::npos);
    CHECK(field_in(got, "Retry-After") == (status == 503 ? "1" : ""));
    CHECK_FALSE(d.client.should_shutdown());
  }
}

TEST_CASE("timestamps and dates") {
  const auto stamp = [](unix_ms t) {
    std::string text;
    append_timestamp(text, t);
    return text;
  };
  CHECK(stamp(0) == "1970-01-01T00:00:00.000000");
  CHECK(stamp(-1) == "1969-12-31T23:59:59.999000");
  CHECK(stamp(951'782'400'123) == "2000-02-29T00:00:00.123000");
  CHECK(stamp(last_expiry) == "9999-12-31T23:59:59.999000");
  std::string date;
  append_http_date(date, 784'111'777'000);
  CHECK(date == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("strange names are not repeated, control characters are escaped") {
  std::string text;
  append_quoted(text, "a\"\\\n\x7f<");
  CHECK(text == R"("a\"\\\u000a\u007f<")");
  driver d;
  const auto got =
      put(d, "{\"" + std::string(65, 'x') + "\":1,\"value\":1,\"version\":1}");
  CHECK(status_in(got) == 422);
  CHECK(got.find("\"field\"") == std::string::npos);
}
