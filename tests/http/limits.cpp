#include "driver.hpp"
#include "http/head_scanner.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace panal::http;
using namespace panal::http::test;

namespace {

std::string get_with_fields(std::size_t n) {
  std::string fields;
  for (std::size_t i = 0; i < n; ++i)
    fields += "X-" + std::to_string(i) + ": 1\r\n";
  return "GET /_health HTTP/1.1\r\n" + fields + "\r\n";
}

// A request line of exactly `n` bytes, its CRLF included.
std::string line_of(std::size_t n) {
  const std::string_view before = "GET /cache/", after = " HTTP/1.1\r\n";
  return std::string{before}
         + std::string(n - before.size() - after.size(), 'k')
         + std::string{after};
}

} // namespace

TEST_CASE("a request line over 8 KB gets 414") {
  // With room for such keys, so that it is not the key that is too long.
  options opts;
  opts.max_key_bytes = 100'000;
  const auto status = [&](std::size_t n) {
    return status_in(ask(line_of(n) + "Host: a\r\n\r\n", opts).text);
  };
  CHECK(status(request_line_bytes_max) == 404);
  CHECK(status(request_line_bytes_max + 1) == 414);
  CHECK(ask(std::string(20'000, 'G')).closes);
}

TEST_CASE("a header over 16 KB gets 431") {
  const auto got =
      ask(request("GET /_health", "X: " + std::string(17'000, 'x') + "\r\n"));
  CHECK(status_in(got.text) == 431);
  CHECK(got.closes);
  const std::string head = "GET /_health HTTP/1.1\r\nHost: a\r\nX: ";
  const auto room = header_bytes_max - head.size() - 4;
  CHECK(status_in(ask(head + std::string(room, 'x') + "\r\n\r\n").text) == 200);
  CHECK(status_in(ask(head + std::string(room + 1, 'x') + "\r\n\r\n").text)
        == 431);
}

TEST_CASE("more than 100 fields get 431") {
  CHECK(status_in(ask(get_with_fields(101)).text) == 431);
  CHECK(status_in(ask(get_with_fields(100)).text) == 400); // no Host
  auto fits = get_with_fields(99);
  fits.insert(fits.find("\r\n") + 2, "Host: a\r\n");
  CHECK(status_in(ask(fits).text) == 200);
}

TEST_CASE("a body over the limit gets 413 before it is sent") {
  options opts;
  opts.max_value_bytes = 1000;
  const auto limit = opts.max_value_bytes + 16 * 1024;
  for (const auto* verb : {"PUT", "GET", "DELETE"}) {
    const auto line = std::string{verb} + " /cache/k";
    const auto got = ask(
        request(line, "Content-Length: " + std::to_string(limit + 1) + "\r\n"),
        opts);
    CHECK(status_in(got.text) == 413);
    CHECK(got.closes);
    driver d{opts};
    CHECK(d.send(request(line,
                         "Content-Length: " + std::to_string(limit) + "\r\n"))
          == "");
  }
  CHECK(status_in(ask(request("PUT /cache/k",
                              "Content-Length: 18446744073709551615\r\n"))
                      .text)
        == 413);
}

TEST_CASE("a value of the limit is stored, one byte more gets 413") {
  options opts;
  opts.max_value_bytes = 1000;
  const auto put = [&](std::size_t n) {
    const auto value = '"' + std::string(n - 2, 'v') + '"';
    return ask(put_request("k", R"({"version":1,"value":)" + value + "}"),
               opts);
  };
  CHECK(status_in(put(1000).text) == 200);
  CHECK(status_in(put(1001).text) == 413);
  CHECK_FALSE(put(1001).closes);
}

TEST_CASE("white space around the value does not count towards its limit") {
  options opts;
  opts.max_value_bytes = 10;
  CHECK(status_in(ask(put_request("k", R"({"version":1,"value":)"
                                           + std::string(5000, ' ') + "1}"),
                      opts)
                      .text)
        == 200);
}

TEST_CASE("a header must be whole in its time, counted from its first byte") {
  driver d;
  CHECK(d.wait(9'999ms) == "");
  CHECK(d.send("GET /_health") == "");
  for (int i = 0; i < 9; ++i) {
    CHECK(d.wait(1s) == "");
    CHECK(d.send("x") == "");
  }
  const auto got = d.wait(1s);
  CHECK(status_in(got) == 408);
  CHECK(d.client.should_shutdown());
}

TEST_CASE("a client that never sends a byte is closed") {
  driver d;
  CHECK(d.wait(10s) == "");
  CHECK(d.client.closed());
}

TEST_CASE("an idle connection is closed after its time") {
  driver d;
  CHECK(status_in(d.send(request("GET /_health"))) == 200);
  CHECK(d.wait(59'999ms) == "");
  CHECK_FALSE(d.client.closed());
  CHECK(status_in(d.send(request("GET /_health"))) == 200);
  d.wait(59'999ms);
  CHECK_FALSE(d.client.closed());
  CHECK(d.wait(1ms) == "");
  CHECK(d.client.closed());
}

TEST_CASE("a body must come at 1 KB/s after its first second") {
  driver d;
  const auto head = request("PUT /cache/k", "Content-Length: 100000\r\n");
  d.send(head);
  CHECK(d.wait(1s) == "");
  d.send(std::string(1024, ' '));
  CHECK(d.wait(1s) == "");
  d.send(std::string(1000, ' '));
  CHECK(status_in(d.wait(1s)) == 408);
}

TEST_CASE("a body must be whole in its time at any rate") {
  driver d;
  d.send(request("PUT /cache/k", "Content-Length: 1000000\r\n"));
  for (int i = 0; i < 29; ++i) {
    d.send(std::string(5000, ' '));
    CHECK(d.wait(1s) == "");
  }
  d.send(std::string(5000, ' '));
  CHECK(status_in(d.wait(1s)) == 408);
}

TEST_CASE("a request without an answer gets 503, the late answer is dropped") {
  driver d;
  d.answering = false;
  CHECK(d.send(request("GET /cache/k")) == "");
  CHECK(d.wait(4'999ms) == "");
  const auto got = d.wait(1ms);
  CHECK(status_in(got) == 503);
  CHECK(field_in(got, "Retry-After") == "1");
  const auto late = d.last_ticket;
  CHECK(d.send(request("GET /cache/k")) == "");
  d.client.answered(late, {.value = "1"}, d.now);
  CHECK(d.collect() == "");
  d.client.answered(d.last_ticket, {.value = "2", .version = 7}, d.now);
  CHECK(body_in(d.collect()) == R"({"value":2,"version":7,"expires_at":null})");
}

TEST_CASE("a client that does not read is closed after its time") {
  driver d;
  d.reading = false;
  d.send(request("GET /_health"));
  d.client.sent(0, d.now);
  d.wait(29'999ms);
  CHECK_FALSE(d.client.closed());
  d.wait(1ms);
  CHECK(d.client.closed());
}

TEST_CASE("what waits for a client that does not read is bounded") {
  driver d;
  d.reading = false;
  const auto one = request("GET /_health");
  int taken = 0;
  while (d.client.wants_bytes() && taken < 100'000) {
    d.send(one);
    d.client.sent(0, d.now);
    ++taken;
  }
  CHECK(taken < 5'000);
  CHECK(d.client.output().size() < 70'000);
  d.reading = true;
  CHECK(count_of(d.collect(), "HTTP/1.1 200 OK")
        == static_cast<std::size_t>(taken));
}

TEST_CASE("after an error the client's bytes are passed over within bounds") {
  driver d;
  CHECK(status_in(d.send("bad\r\n\r\n")) == 400);
  d.client.shut_down(d.now);
  CHECK(d.send(std::string(1000, 'x')) == "");
  CHECK_FALSE(d.client.closed());
  d.send(std::string(17'000'000, 'x'));
  CHECK(d.client.closed());

  driver quiet;
  quiet.send("bad\r\n\r\n");
  quiet.client.shut_down(quiet.now);
  quiet.wait(2s);
  CHECK(quiet.client.closed());

  driver polite;
  polite.send("bad\r\n\r\n");
  polite.client.shut_down(polite.now);
  polite.client.receive_end(polite.now);
  CHECK(polite.client.closed());
}
