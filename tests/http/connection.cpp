#include "http/connection.hpp"

#include "driver.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace panal::http;
using namespace panal::http::test;

TEST_CASE("pipelined requests are answered in order and share writes") {
  driver d;
  std::string bytes;
  for (int i = 0; i < 50; ++i)
    bytes += put_request("k" + std::to_string(i),
                         R"({"version":1,"value":)" + std::to_string(i) + "}");
  d.send(bytes);
  CHECK(d.cache.entries.size() == 50);
  bytes.clear();
  std::string wanted;
  for (int i = 0; i < 50; ++i) {
    bytes += request("GET /cache/k" + std::to_string(i));
    wanted += R"("value":)" + std::to_string(i) + ",";
  }
  d.writes = 0;
  const auto got = d.send(bytes);
  CHECK(count_of(got, "HTTP/1.1 200 OK") == 50);
  std::size_t at = 0;
  for (int i = 0; i < 50 && at != std::string::npos; ++i)
    at = got.find(R"("value":)" + std::to_string(i) + ",", at);
  CHECK(at != std::string::npos);
  CHECK(d.writes == 1);
}

TEST_CASE("at most one request of a connection is on its way") {
  driver d;
  d.answering = false;
  d.send(request("GET /cache/a") + request("GET /cache/b"));
  CHECK(d.operations == 1);
  d.send(request("GET /cache/c"));
  CHECK(d.operations == 1);
  d.client.answered(d.last_ticket, {.value = "1"}, d.now);
  d.collect();
  CHECK(d.operations == 2);
  CHECK(d.last.key == "b");
}

TEST_CASE("an answer does not wait long for the one behind it") {
  driver d;
  d.answering = false;
  d.send(request("GET /_health") + request("GET /cache/b"));
  CHECK(status_in(d.wait(250ms)) == 200);
}

TEST_CASE("a put on its way holds no answer back") {
  driver d;
  d.answering = false;
  CHECK(status_in(d.send(request("GET /_health")
                         + put_request("k", R"({"value":1,"version":1})")))
        == 200);
}

TEST_CASE("input is taken in until enough of it waits") {
  driver d;
  d.answering = false;
  d.send(request("GET /cache/a"));
  int sent = 0;
  while (d.client.wants_bytes() && sent < 10'000) {
    d.send(request("GET /cache/b"));
    ++sent;
  }
  CHECK(sent < 10'000);
  d.answering = true;
  d.client.answered(d.last_ticket, {.value = "1"}, d.now);
  const auto got = d.collect();
  CHECK(count_of(got, "HTTP/1.1 ") == static_cast<std::size_t>(sent) + 1);
  CHECK(d.client.wants_bytes());
}

TEST_CASE("Connection: close is obeyed, what follows is not looked at") {
  driver d;
  const auto got = d.send(request("GET /_health", "Connection: close\r\n")
                          + request("GET /_health"));
  CHECK(count_of(got, "HTTP/1.1 ") == 1);
  CHECK(field_in(got, "Connection") == "close");
  CHECK(d.client.closed());
}

TEST_CASE("a client that has ended its side still gets its answers") {
  driver d;
  d.answering = false;
  d.send(request("GET /cache/a") + request("GET /cache/b"));
  d.client.receive_end(d.now);
  CHECK_FALSE(d.client.wants_bytes());
  d.answering = true;
  d.client.answered(d.last_ticket, {.value = "1"}, d.now);
  CHECK(count_of(d.collect(), "HTTP/1.1 ") == 2);
  CHECK(d.client.closed());
}

TEST_CASE("a request that ends in the middle is dropped without an answer") {
  driver d;
  d.send(put_request("k", R"({"value":1,"version":1})").substr(0, 60));
  d.client.receive_end(d.now);
  CHECK(d.collect() == "");
  CHECK(d.client.closed());
  CHECK(d.operations == 0);
}

TEST_CASE("a large body is put together from many reads") {
  driver d;
  const auto value = '"' + std::string(900'000, 'v') + '"';
  const auto bytes = put_request("k", R"({"version":1,"value":)" + value + "}");
  std::string got;
  for (std::size_t at = 0; at < bytes.size(); at += 1000)
    got += d.send(std::string_view{bytes}.substr(at, 1000));
  CHECK(status_in(got) == 200);
  CHECK(d.cache.entries["k"].value == value);
  CHECK(d.send(request("GET /cache/k")).size() > value.size());
}

TEST_CASE("a drained connection finishes its request and says that it closes") {
  driver d;
  d.answering = false;
  d.send(request("GET /cache/a"));
  d.client.drain();
  CHECK_FALSE(d.client.closed());
  d.client.answered(d.last_ticket, {.value = "1"}, d.now);
  const auto got = d.collect();
  CHECK(status_in(got) == 200);
  CHECK(field_in(got, "Connection") == "close");
  CHECK(d.client.should_shutdown());
}

TEST_CASE("a drained connection without a request closes at once") {
  driver d;
  d.send(request("GET /_health"));
  d.client.drain();
  CHECK(d.client.closed());
}

TEST_CASE("an answer for a closed connection is dropped") {
  driver d;
  d.answering = false;
  d.send(request("GET /cache/a"));
  const auto ticket = d.last_ticket;
  d.client.refuse(d.now);
  CHECK(status_in(d.collect()) == 503);
  d.client.answered(ticket, {.value = "1"}, d.now);
  CHECK(d.collect() == "");
}

TEST_CASE("the Date follows the wall clock by its seconds") {
  driver d;
  d.wall.advance(61'000);
  d.env.refresh();
  CHECK(field_in(d.send(request("GET /_health")), "Date")
        == "Wed, 01 Jan 2025 00:01:01 GMT");
}
