// The public contract of one node, asked over its own socket: what each
// request is answered, and what of it is still true after a restart.

#include "tests/nodes/load.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>
#include <rapidjson/document.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <utility>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// A node that serves, and a client.
struct served {
  node one;
  http_client client;

  explicit served(std::vector<std::string> more = {}, std::string data = {})
      : one{setup(std::move(more), std::move(data))}, client{started(one)} {}

  static node_setup setup(std::vector<std::string> more, std::string data) {
    node_setup result;
    result.more = std::move(more);
    result.data_dir = std::move(data);
    return result;
  }
  static endpoint started(node& which) {
    which.start();
    return which.http();
  }

  response put_raw(std::string_view body) {
    return client.request("PUT", "/cache/k", body);
  }
  /// Sends bytes on a connection of their own and takes all that comes.
  connection::everything exchange(std::string_view bytes) {
    auto line = connection::open(one.http());
    REQUIRE(line);
    REQUIRE(line->send(bytes));
    line->finish_sending();
    return line->receive_all();
  }
};

/// Checks the shape that all errors share, and gives it back parsed.
rapidjson::Document problem_of(const response& what) {
  rapidjson::Document result;
  result.Parse(what.body.c_str());
  CAPTURE(what.body);
  REQUIRE(result.IsObject());
  CHECK(what.header("content-type").starts_with("application/problem+json"));
  for (const char* name : {"type", "title", "detail"}) {
    CAPTURE(name);
    REQUIRE(result.HasMember(name));
    CHECK(result[name].IsString());
  }
  REQUIRE(result.HasMember("status"));
  REQUIRE(result["status"].IsInt());
  CHECK(result["status"].GetInt() == what.status);
  return result;
}

/// The Unix milliseconds that "2025-01-01T00:00:00.000000" (UTC) stands for.
std::int64_t unix_ms_of(const std::string& text) {
  std::tm parts{};
  int micros = 0;
  int length = 0;
  auto fields =
      std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%6d%n", &parts.tm_year,
                  &parts.tm_mon, &parts.tm_mday, &parts.tm_hour, &parts.tm_min,
                  &parts.tm_sec, &micros, &length);
  if (fields != 7 || length != 26 || text.size() != 26)
    return -1;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  return std::int64_t{::timegm(&parts)} * 1000 + micros / 1000;
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

} // namespace

TEST_CASE("a node says that it is well") {
  served s;
  auto answer = s.client.request("GET", "/_health");
  CHECK(answer.status == 200);
  CHECK(answer.body == R"({"node":"node1","status":"ok"})");
  CHECK(answer.header("content-type").starts_with("application/json"));
}

TEST_CASE("a value that was put is got, with its version as ETag") {
  served s;
  auto stored = s.client.put("k", R"({"a":1})", 7);
  CHECK(stored.status == 200);
  CHECK(stored.raw.body == R"({"status":"stored","node":"node1"})");
  auto got = s.client.get("k");
  CHECK(got.status == 200);
  CHECK(got.raw.body == R"({"value":{"a":1},"version":7,"expires_at":null})");
  CHECK(got.raw.header("etag") == "\"7\"");
  CHECK(got.raw.header("content-type").starts_with("application/json"));
}

TEST_CASE("a value comes back byte for byte") {
  served s;
  const std::vector<std::string> values{
      "1.10",
      "1E400",
      "-0",
      "123456789012345678901234567890",
      "0.1234567890123456789012345678901234567890e-5",
      "\"\"",
      R"("\u0041\/\b\"\\")",
      R"("\ud83d\ude00")",
      "\"\xF0\x9F\x98\x80 \xC3\xA9\"",
      R"({"b":1,"a":2,"":3})",
      R"({ "a" : [ 1 , 2 ],	"b": null })",
      R"({"value":1,"version":2,"ttl_ms":3})",
      R"([{"x":","},"version:1",{"version":9}])",
      "null",
      "true",
      "false",
      "[]",
      nested(64),
  };
  std::int64_t version = 0;
  for (const auto& value : values) {
    CAPTURE(value);
    CHECK(s.client.put("k", value, ++version).status == 200);
    auto got = s.client.get("k");
    CHECK(got.value == value);
    CHECK(got.version == version);
  }
}

TEST_CASE("what stands around a value is not part of it") {
  served s;
  auto answer =
      s.put_raw("\r\n { \"version\" : 3 , \"value\" : [1, 2]\t, \"ttl_ms\" "
                ":\t60000 } \n");
  CHECK(answer.status == 200);
  auto got = s.client.get("k");
  CHECK(got.value == "[1, 2]");
  CHECK(got.version == 3);
  CHECK(got.expires_at != "null");
}

TEST_CASE("a version that is not above the current one changes nothing") {
  served s;
  REQUIRE(s.client.put("k", "\"first\"", 5).status == 200);
  for (std::int64_t version : {0, 4, 5}) {
    CAPTURE(version);
    auto refused = s.client.put("k", "\"second\"", version);
    CHECK(refused.status == 409);
    auto problem = problem_of(refused.raw);
    REQUIRE(problem.HasMember("current_version"));
    CHECK(problem["current_version"].GetInt64() == 5);
  }
  auto got = s.client.get("k");
  CHECK(got.value == "\"first\"");
  CHECK(got.version == 5);
}

TEST_CASE("versions reach from 0 to the largest 64-bit integer") {
  served s;
  constexpr auto largest = std::numeric_limits<std::int64_t>::max();
  CHECK(s.client.put("k", "1", 0).status == 200);
  CHECK(s.client.get("k").version == 0);
  CHECK(s.client.put("k", "2", largest).status == 200);
  auto got = s.client.get("k");
  CHECK(got.version == largest);
  CHECK(got.raw.header("etag") == "\"9223372036854775807\"");
  CHECK(s.client.put("k", "3", largest).status == 409);
}

TEST_CASE("a missing or wrong field is answered with a status that names it") {
  struct row {
    int status;
    std::string field;
    std::string body;
  };
  served s;
  const std::vector<row> rows{
      {422, "version", R"({"value":1})"},
      {422, "value", R"({"version":1})"},
      {422, "version", R"({"value":1,"version":-1})"},
      {422, "version", R"({"value":1,"version":"1"})"},
      {422, "version", R"({"value":1,"version":null})"},
      {422, "ttl_ms", R"({"value":1,"version":1,"ttl_ms":0})"},
      {422, "ttl_ms", R"({"value":1,"version":1,"ttl_ms":-5})"},
      {422, "ttl_ms", R"({"value":1,"version":1,"ttl_ms":"1"})"},
      // Numbers that no 64-bit integer is written as.
      {400, "version", R"({"value":1,"version":1.0})"},
      {400, "version", R"({"value":1,"version":9223372036854775808})"},
      {400, "version", R"({"value":1,"version":1e3})"},
      {400, "ttl_ms", R"({"value":1,"version":1,"ttl_ms":1.5})"},
  };
  for (const auto& [status, field, body] : rows) {
    CAPTURE(body);
    auto answer = s.put_raw(body);
    CHECK(answer.status == status);
    problem_of(answer);
    CHECK(answer.body.find(field) != std::string::npos);
  }
  CHECK(s.client.get("k").status == 404);
}

TEST_CASE("a body that is not JSON is answered with 400") {
  served s;
  const std::vector<std::string> bodies{
      "",
      "{",
      "not json",
      R"({"value":1,"version":1}})",
      R"({"value":1,"version":1} x)",
      R"({"value":01,"version":1})",
      R"({"value":NaN,"version":1})",
      R"({"value":1,"version":1,})",
      R"({'value':1,'version':1})",
      R"({"value":1,/**/"version":1})",
      "{\"value\":\"\xFF\",\"version\":1}",
      "{\"value\":\"\x01\",\"version\":1}",
      R"({"value":"\ud800","version":1})",
      "\xEF\xBB\xBF{\"value\":1,\"version\":1}",
      R"({"value":1,"version":1,"version":9})",
      text(R"({"value":)", nested(100'000), R"(,"version":1})"),
  };
  for (const auto& body : bodies) {
    CAPTURE(body.substr(0, 60));
    auto answer = s.put_raw(body);
    CHECK(answer.status == 400);
    problem_of(answer);
  }
  CHECK(s.client.get("k").status == 404);
}

TEST_CASE("a value may be as large as the limit, and no larger") {
  served s{{"--max-value-bytes=1000"}};
  auto fits = text('"', std::string(998, 'x'), '"');
  CHECK(s.client.put("k", fits, 1).status == 200);
  CHECK(s.client.get("k").value == fits);
  auto large = s.client.put("k", text('"', std::string(999, 'x'), '"'), 2);
  CHECK(large.status == 413);
  problem_of(large.raw);
  s.client.disconnect();
  CHECK(s.client.get("k").version == 1);
}

TEST_CASE("a body over the limit is refused before it is sent") {
  served s;
  auto line = connection::open(s.one.http());
  REQUIRE(line);
  // The length is announced, the body never comes.
  REQUIRE(line->send("PUT /cache/k HTTP/1.1\r\nHost: x\r\n"
                     "Content-Type: application/json\r\n"
                     "Content-Length: 4000000000\r\n\r\n"));
  std::string buffer;
  CHECK(read_response(*line, buffer, seconds{5}).status == 413);
  CHECK(line->closed_by_peer(seconds{5}));
}

TEST_CASE("what was deleted is not found, and any version is accepted again") {
  served s;
  REQUIRE(s.client.put("k", "1", 9).status == 200);
  auto deleted = s.client.remove("k");
  CHECK(deleted.status == 200);
  CHECK(deleted.raw.body == R"({"status":"deleted","node":"node1"})");
  auto got = s.client.get("k");
  CHECK(got.status == 404);
  CHECK(got.detail == "Not found");
  problem_of(got.raw);
  CHECK(s.client.remove("k").status == 404);
  CHECK(s.client.put("k", "2", 1).status == 200);
  CHECK(s.client.get("k").value == "2");
}

TEST_CASE("deleting what was never there is answered with 404") {
  served s;
  auto answer = s.client.remove("k");
  CHECK(answer.status == 404);
  problem_of(answer.raw);
  CHECK(s.client.get("k").detail == "Not found");
}

TEST_CASE("an entry with a TTL says when it expires, and does") {
  served s;
  auto before = now_ms();
  REQUIRE(s.client.put("k", "1", 9, 300).status == 200);
  auto after = now_ms();
  auto got = s.client.get("k");
  REQUIRE(got.status == 200);
  auto expires = unix_ms_of(got.expires_at);
  CAPTURE(got.expires_at);
  CHECK(expires >= before + 300);
  CHECK(expires <= after + 300);
  CHECK(
      eventually(seconds{5}, [&] { return s.client.get("k").status == 404; }));
  // Not a millisecond too early, and soon enough for a poll every 2 ms.
  CHECK(now_ms() >= expires);
  CHECK(now_ms() <= expires + 100);
  CHECK(s.client.remove("k").status == 404);
  CHECK(s.client.put("k", "2", 1).status == 200);
  CHECK(s.client.get("k").expires_at == "null");
}

TEST_CASE("an entry that has just expired is told apart from one never put") {
  served s;
  int expired = 0;
  for (int i = 0; i < 50; ++i) {
    auto key = text("k", i);
    REQUIRE(s.client.put(key, "1", 1, 2).status == 200);
    reply got;
    CHECK(eventually(seconds{5}, [&] {
      got = s.client.get(key);
      return got.status == 404;
    }));
    problem_of(got.raw);
    // Once it is swept away, a node need not remember that it was there.
    CHECK((got.detail == "Expired" || got.detail == "Not found"));
    expired += got.detail == "Expired" ? 1 : 0;
  }
  CHECK(expired > 25);
  CHECK(s.client.get("never").detail == "Not found");
}

TEST_CASE("a put without TTL takes the expiry off") {
  served s;
  REQUIRE(s.client.put("k", "1", 1, 60'000).status == 200);
  REQUIRE(s.client.put("k", "2", 2).status == 200);
  CHECK(s.client.get("k").expires_at == "null");
}

TEST_CASE("a key is its bytes after one percent-decoding") {
  served s;
  const std::vector<std::string> keys{
      "a",
      "a/b",
      "a//b",
      "..",
      "../../etc/passwd",
      "..\\x",
      "%2e",
      "%",
      "a b+c",
      "?x=1",
      "#f",
      "'; DROP TABLE kv;--",
      "*",
      "_",
      "\xC3\xA9",
      "e\xCC\x81",
      "\xE2\x80\x8F",
      "\xF0\x9F\x98\x80",
      std::string(1024, 'k'),
  };
  for (const auto& key : keys) {
    CAPTURE(key);
    CHECK(s.client.put(key, text("\"of ", key.size(), '"'), 1).status == 200);
  }
  for (const auto& key : keys) {
    CAPTURE(key);
    CHECK(s.client.get(key).value == text("\"of ", key.size(), '"'));
  }
  CHECK(s.client.request("GET", "/cache/%61").status == 200);
  CHECK(s.client.request("GET", "/cache/a/b").status == 200);
}

TEST_CASE("a key that is none is refused") {
  served s;
  for (const char* target :
       {"/cache/", "/cache/%00", "/cache/a%0d%0ab", "/cache/%7f", "/cache/%",
        "/cache/%zz", "/cache/%c0%80", "/cache/%ff", "/cache/%ed%a0%80"}) {
    CAPTURE(target);
    auto answer = s.client.request("PUT", target, put_body("1", 1));
    CHECK(answer.status == 400);
    problem_of(answer);
  }
  auto long_key = s.client.put(std::string(1025, 'k'), "1", 1).status;
  CHECK((long_key == 400 || long_key == 414));
}

TEST_CASE("an unknown path is not found, an unknown method not allowed") {
  served s;
  auto unknown = s.client.request("GET", "/nothing");
  CHECK(unknown.status == 404);
  problem_of(unknown);
  auto post = s.client.request("POST", "/cache/k", "{}");
  CHECK(post.status == 405);
  problem_of(post);
  for (const char* method : {"GET", "PUT", "DELETE"})
    CHECK(post.header("allow").find(method) != std::string::npos);
  CHECK(s.client.request("TRACE", "/cache/k").status == 405);
  s.client.disconnect();
  CHECK(s.client.request("BREW", "/cache/k").status == 501);
}

TEST_CASE("requests sent at once are answered in their order") {
  served s;
  constexpr int count = 200;
  std::string bytes;
  for (int i = 0; i < count; ++i) {
    auto key = text("/cache/p", i);
    bytes += request_bytes("PUT", key, put_body(std::to_string(i), 1));
    bytes += request_bytes("GET", key);
  }
  auto line = connection::open(s.one.http());
  REQUIRE(line);
  std::jthread sender{[&] { line->send(bytes, seconds{10}); }};
  std::string buffer;
  for (int i = 0; i < count; ++i) {
    CAPTURE(i);
    REQUIRE(read_response(*line, buffer, seconds{10}).status == 200);
    auto got = read_response(*line, buffer, seconds{10});
    REQUIRE(got.body
            == text("{\"value\":", i, ",\"version\":1,\"expires_at\":null}"));
  }
}

TEST_CASE("a request that could be read in two ways ends the connection") {
  served s;
  const std::string smuggled =
      request_bytes("PUT", "/cache/smuggled", put_body("1", 1));
  const std::string start = "PUT /cache/k HTTP/1.1\r\nHost: x\r\n"
                            "Content-Type: application/json\r\n";
  const std::string end = "\r\n\r\n";
  const std::vector<std::pair<const char*, std::string>> requests{
      {"length and chunked",
       start + "Content-Length: 5\r\nTransfer-Encoding: chunked" + end
           + "0\r\n\r\n"},
      {"chunked and length",
       start + "Transfer-Encoding: chunked\r\nContent-Length: 5" + end
           + "0\r\n\r\n"},
      {"gzip and length",
       start + "Transfer-Encoding: gzip\r\nContent-Length: 5" + end},
      {"xchunked", start + "Transfer-Encoding: xchunked" + end},
      {"two lengths in one field", start + "Content-Length: 5, 5" + end},
      {"two equal lengths",
       start + "Content-Length: 5\r\nContent-Length: 5" + end},
      {"two lengths", start + "Content-Length: 5\r\nContent-Length: 6" + end},
      {"a signed length", start + "Content-Length: +5" + end},
      {"a length over 64 bits",
       start + "Content-Length: 18446744073709551616" + end},
      {"a folded field", start + "X-A: b\r\n c" + end},
      {"a space before a colon", start + "X-A : b" + end},
      {"a bare line feed", "GET /cache/k HTTP/1.1\nHost: x\n\n"},
      {"a NUL in a field", start + std::string{"X-A: b\0c", 8} + end},
      {"no host", "GET /cache/k HTTP/1.1" + end},
      {"two hosts", "GET /cache/k HTTP/1.1\r\nHost: x\r\nHost: x" + end},
      {"a byte over 127 in the target",
       "GET /cache/\xC3\xA9 HTTP/1.1\r\nHost: x" + end},
      {"a fragment in the target", "GET /cache/k#x HTTP/1.1\r\nHost: x" + end},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"TLS", std::string{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11}},
  };
  for (const auto& [name, bytes] : requests) {
    CAPTURE(name);
    auto got = s.exchange(bytes + smuggled);
    CAPTURE(got.bytes);
    CHECK(got.closed);
    auto status = got.bytes.substr(0, 12);
    CHECK((got.bytes.empty() || status == "HTTP/1.1 400"
           || status == "HTTP/1.1 501" || status == "HTTP/1.1 505"));
    // One answer, and nothing behind the error was read as a request.
    CHECK(got.bytes.find("HTTP/1.1", 1) == std::string::npos);
    CHECK(s.client.get("smuggled").status == 404);
  }
}

TEST_CASE("a header over the limits is refused") {
  served s;
  auto with = [&](const std::string& headers, const std::string& target) {
    auto got = s.exchange(
        text("GET ", target, " HTTP/1.1\r\nHost: x\r\n", headers, "\r\n"));
    CHECK(got.closed);
    return got.bytes.substr(0, 12);
  };
  CHECK(with("", text("/cache/", std::string(20'000, 'k'))) == "HTTP/1.1 414");
  CHECK(with(text("X: ", std::string(40'000, 'x'), "\r\n"), "/cache/k")
        == "HTTP/1.1 431");
  std::string many;
  for (int i = 0; i < 500; ++i)
    many += text("X", i, ": 1\r\n");
  CHECK(with(many, "/cache/k") == "HTTP/1.1 431");
}

TEST_CASE("a restart keeps entries, versions, deletes and expiries") {
  served s;
  REQUIRE(s.client.put("kept", "1.10", 5).status == 200);
  REQUIRE(s.client.put("deleted", "1", 5).status == 200);
  REQUIRE(s.client.remove("deleted").status == 200);
  REQUIRE(s.client.put("long", "2", 5, 600'000).status == 200);
  REQUIRE(s.client.put("short", "3", 5, 1).status == 200);
  auto expires = s.client.get("long").expires_at;

  s.one.restart();
  auto kept = s.client.get("kept");
  CHECK(kept.value == "1.10");
  CHECK(kept.version == 5);
  CHECK(kept.expires_at == "null");
  CHECK(s.client.put("kept", "2", 5).status == 409);
  CHECK(s.client.get("deleted").status == 404);
  CHECK(s.client.get("long").value == "2");
  CHECK(s.client.get("long").expires_at == expires);
  CHECK(s.client.get("short").status == 404);
  CHECK(s.client.put("deleted", "4", 1).status == 200);
  CHECK(s.client.put("short", "5", 1).status == 200);
}

TEST_CASE("what expires while a node is down is never served again") {
  served s;
  auto began = now_ms();
  REQUIRE(s.client.put("k", "1", 5, 700).status == 200);
  REQUIRE(s.client.get("k").status == 200);
  REQUIRE(s.one.terminate());
  CHECK(eventually(seconds{5}, [&] { return now_ms() > began + 800; }));
  s.one.start();
  CHECK(s.client.get("k").status == 404);
  CHECK(s.client.put("k", "2", 1).status == 200);
}

TEST_CASE("many entries are all there after a restart") {
  served s;
  auto count = scaled(5'000);
  REQUIRE(put_many({s.one.http()}, "many-", count, 3) == 0);
  s.one.restart();
  std::size_t missing = 0;
  for (const auto& key : key_names("many-", count))
    if (s.client.get(key).value != text('"', key, " version 3\""))
      ++missing;
  CHECK(missing == 0);
}

TEST_CASE("durability disk and sync survive a kill, memory an orderly stop") {
  const auto keys = key_names("d-", 200);
  auto found = [&](served& s) {
    return std::count_if(keys.begin(), keys.end(), [&](const auto& key) {
      return s.client.get(key).status == 200;
    });
  };
  for (const char* level : {"disk", "sync"}) {
    CAPTURE(level);
    served s{{std::string{"--durability="} + level}};
    REQUIRE(put_many({s.one.http()}, "d-", 200, 1) == 0);
    s.one.kill9();
    s.one.start();
    CHECK(found(s) == 200);
  }
  served s{{"--durability=memory"}};
  REQUIRE(put_many({s.one.http()}, "d-", 200, 1) == 0);
  s.one.restart();
  CHECK(found(s) == 200);
}

TEST_CASE("in :memory: nothing outlives the node") {
  served s{{}, ":memory:"};
  REQUIRE(s.client.put("k", "1", 1).status == 200);
  CHECK(s.client.get("k").value == "1");
  s.one.restart();
  CHECK(s.client.get("k").status == 404);
  CHECK_FALSE(std::filesystem::exists(":memory:"));
}
