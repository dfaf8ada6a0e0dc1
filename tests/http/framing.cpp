#include "driver.hpp"

#include <doctest/doctest.h>

using namespace panal::http::test;

namespace {

// Refused with `status`, and not one byte after it is looked at.
void check_refused(int status, const std::string& bytes) {
  CAPTURE(bytes);
  const auto got = ask(bytes + request("GET /_health"));
  CHECK(status_in(got.text) == status);
  CHECK(got.closes);
  CHECK(field_in(got.text, "Connection") == "close");
  CHECK(field_in(got.text, "Content-Type") == "application/problem+json");
  CHECK(count_of(got.text, "HTTP/1.1 ") == 1);
}

// Answered with `status`, and the next request on the connection as well.
void check_kept(int status, const std::string& bytes) {
  CAPTURE(bytes);
  const auto got = ask(bytes + request("GET /_health"));
  CHECK(status_in(got.text) == status);
  CHECK_FALSE(got.closes);
  CHECK(count_of(got.text, "HTTP/1.1 200 OK") == (status == 200 ? 2 : 1));
}

std::string with_fields(std::string_view fields, std::string_view body = {}) {
  return request("PUT /cache/k", fields) + std::string{body};
}

} // namespace

TEST_CASE("a body that ends in two ways is refused") {
  for (const auto* coding : {"chunked", "gzip", "xchunked", "identity"}) {
    const std::string te = "Transfer-Encoding: " + std::string{coding} + "\r\n";
    check_refused(400, with_fields(te + "Content-Length: 5\r\n", "12345"));
    check_refused(400, with_fields("Content-Length: 5\r\n" + te, "12345"));
  }
}

TEST_CASE("a transfer coding other than one chunked is refused") {
  for (const auto* coding :
       {"gzip", "xchunked", "chunked, gzip", "gzip, chunked", "identity", "",
        "chunked, chunked", "chunked;q=1", "\"chunked\""})
    check_refused(
        400, with_fields("Transfer-Encoding: " + std::string{coding} + "\r\n"));
  check_refused(400, with_fields("Transfer-Encoding: chunked\r\n"
                                 "Transfer-Encoding: chunked\r\n"));
  check_refused(400, with_fields("Transfer-Encoding: gzip\r\n"
                                 "Transfer-Encoding: chunked\r\n"));
}

TEST_CASE("chunked uploads get 411, and with them every trailer") {
  check_refused(411, with_fields("Transfer-Encoding: chunked\r\n",
                                 "5\r\n12345\r\n0\r\nConnection: x\r\n\r\n"));
  check_refused(411,
                with_fields("Transfer-Encoding: CHUNKED\r\n", "0\r\n\r\n"));
}

TEST_CASE("chunked on HTTP/1.0 is refused") {
  check_refused(400, "PUT /cache/k HTTP/1.0\r\nHost: a\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
}

TEST_CASE("a folded line is refused") {
  check_refused(400, with_fields("X-A: 1\r\n 2\r\n"));
  check_refused(400, with_fields("X-A: 1\r\n\t2\r\n"));
  check_refused(400, "GET /_health HTTP/1.1\r\n Host: a\r\n\r\n");
  check_refused(400, " GET /_health HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST_CASE("a Content-Length that is not one plain number is refused") {
  for (const auto* text :
       {"5, 5", "5,5", "5,", ",5", "+5", "-1", "0x5", "1_0", "5 5", "5.0", "",
        "18446744073709551616", "99999999999999999999999", "five", "5;a"})
    check_refused(400,
                  with_fields("Content-Length: " + std::string{text} + "\r\n"));
  check_refused(400, with_fields("Content-Length: 5\r\nContent-Length: 5\r\n"));
  check_refused(400, with_fields("Content-Length: 5\r\nContent-Length: 6\r\n"));
}

TEST_CASE("a missing, doubled, empty or malformed Host is refused on 1.1") {
  const auto get = [](std::string_view hosts) {
    return "GET /_health HTTP/1.1\r\n" + std::string{hosts} + "\r\n";
  };
  check_refused(400, get(""));
  check_refused(400, get("Host: a\r\nHost: a\r\n"));
  check_refused(400, get("Host: a\r\nHost: b\r\n"));
  for (const auto* text : {"", "a b", "a/b", "a@b", "a:b", "a:123456", "[::1",
                           "[]", "a,b@", ":80", "a:80:80", "\xc3\xa9", "a?b"})
    check_refused(400, get("Host: " + std::string{text} + "\r\n"));
  for (const auto* text : {"a", "a:80", "a:", "127.0.0.1:8080", "[::1]:80"})
    check_kept(200, get("Host: " + std::string{text} + "\r\n"));
}

TEST_CASE("HTTP/1.0 may leave Host out, and closes unless it is asked not to") {
  const auto got = ask("GET /_health HTTP/1.0\r\n\r\n");
  CHECK(status_in(got.text) == 200);
  CHECK(got.closes);
  const auto kept =
      ask("GET /_health HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(field_in(kept.text, "Connection") == "keep-alive");
  CHECK_FALSE(kept.closes);
}

TEST_CASE("a line end or a control character in the wrong place is refused") {
  check_refused(400, "GET /_health HTTP/1.1\nHost: a\n\n");
  check_refused(400, "GET /_health HTTP/1.1\r\nHost: a\n\r\n");
  check_refused(400, "GET /_health HTTP/1.1\r\nHost: a\r\r\n");
  check_refused(400, "GET /_health HTTP/1.1\rHost: a\r\n\r\n");
  using namespace std::string_literals;
  for (const auto& c : {"\0"s, "\x01"s, "\x1b"s, "\x7f"s, "\x0b"s}) {
    check_refused(400, with_fields("X-A: 1" + c + "\r\n"));
    check_refused(400, with_fields("X" + c + "A: 1\r\n"));
    check_refused(400, request("GET /_hea" + c + "lth"));
  }
}

TEST_CASE("a malformed field name is refused") {
  for (const auto* line : {"X-A : 1", ": 1", "X A: 1", "X-A", "X(A: 1",
                           "X\xc3\xa9: 1", "\"X\": 1"})
    check_refused(400, with_fields(std::string{line} + "\r\n"));
}

TEST_CASE("a target with bytes that no URI holds is refused") {
  for (const auto* path : {"/cache/\xc3\xa9", "/cache/a#b", "/cache/a\\b",
                           "/cache/a\"b", "/cache/a\tb", "cache/a", "a:80",
                           "ftp://a/cache/a", "http:///cache/a", "http://"})
    check_refused(400, request("GET " + std::string{path}));
  check_refused(400, request("GET /cache/a b"));
  check_refused(400, request("GET "));
  check_refused(400, request("GET *"));
}

TEST_CASE("a bad version or request line is refused") {
  for (const auto* line :
       {"GET /_health HTTP/2.0", "GET /_health HTTP/0.9", "GET /_health",
        "GET /_health http/1.1", "GET /_health HTTP/1.1 ", "GET",
        "GET  /_health HTTP/1.1", "G@T /_health HTTP/1.1", "\r\n"})
    check_refused(400, std::string{line} + "\r\nHost: a\r\n\r\n");
}

TEST_CASE("one empty line before a request is passed over, a second is not") {
  check_kept(200, "\r\n" + request("GET /_health"));
  check_refused(400, "\r\n\r\n" + request("GET /_health"));
}

TEST_CASE("absolute-form is understood") {
  check_kept(200, request("GET http://other:80/_health"));
  check_kept(200, request("GET HTTP://other/_health"));
  check_kept(404, request("GET http://other"));
}

TEST_CASE("methods: OPTIONS, TRACE, CONNECT and unknown ones") {
  CHECK(field_in(ask(request("OPTIONS *")).text, "Allow")
        == "GET, HEAD, PUT, DELETE, OPTIONS");
  CHECK(field_in(ask(request("OPTIONS /cache/k")).text, "Allow")
        == "GET, HEAD, PUT, DELETE, OPTIONS");
  CHECK(field_in(ask(request("OPTIONS /_health")).text, "Allow")
        == "GET, HEAD, OPTIONS");
  check_kept(204, request("OPTIONS *"));
  check_kept(204, request("OPTIONS /cache/k"));
  check_kept(405, request("TRACE /cache/k"));
  check_kept(405, request("POST /cache/k"));
  check_kept(405, request("PATCH /cache/k"));
  check_kept(405, request("PUT /_health"));
  check_kept(501, request("BREW /cache/k"));
  check_kept(501, request("PROPFIND /cache/k"));
  check_kept(501, request("get /cache/k"));
  check_kept(404, request("POST /nowhere"));
  CHECK(field_in(ask(request("POST /_health")).text, "Allow")
        == "GET, HEAD, OPTIONS");
  const auto tunnel = ask(request("CONNECT a:443"));
  CHECK(status_in(tunnel.text) == 405);
  CHECK(tunnel.closes);
}

TEST_CASE("100 Continue is sent only for a body that will be read") {
  const std::string_view body = R"({"value":1,"version":1})";
  const auto fields = "Expect: 100-continue\r\nContent-Length: "
                      + std::to_string(body.size()) + "\r\n";
  driver d;
  CHECK(d.send(request("PUT /cache/k", fields))
        == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(status_in(d.send(body)) == 200);

  driver whole;
  CHECK(
      status_in(whole.send(request("PUT /cache/k", fields) + std::string{body}))
      == 200);
  for (const auto* line : {"PUT /cache/%zz", "PUT /nowhere", "PUT /_health"}) {
    driver refused;
    CHECK(status_in(refused.send(request(line, fields))) >= 400);
    CHECK(refused.client.should_shutdown());
  }
  driver too_large;
  CHECK(status_in(too_large.send(
            request("PUT /cache/k",
                    "Expect: 100-continue\r\nContent-Length: 99999999\r\n")))
        == 413);
  driver old;
  CHECK(old.send("PUT /cache/k HTTP/1.0\r\nExpect: 100-continue\r\n"
                 "Content-Length: 5\r\n\r\n")
        == "");
}

TEST_CASE("another expectation gets 417") {
  check_refused(417, with_fields("Expect: 200-ok\r\nContent-Length: 5\r\n"));
  check_refused(417, with_fields("Expect: 100-continue, x\r\n"));
}

TEST_CASE("the body of a GET or DELETE is read and passed over") {
  for (const auto* verb : {"GET", "DELETE", "HEAD", "OPTIONS"}) {
    const auto got =
        ask(request(std::string{verb} + " /_health", "Content-Length: 25\r\n")
            + "GET /cache/x HTTP/1.1\r\n\r\n" + request("GET /_health"));
    CHECK(count_of(got.text, "HTTP/1.1 ") == 2);
    CHECK_FALSE(got.closes);
  }
}

TEST_CASE("other protocols are refused at once") {
  check_refused(400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  using namespace std::string_literals;
  check_refused(400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"s);
  check_refused(400, "\x80\x2e\x01\x03\x00\x00"s);
}
