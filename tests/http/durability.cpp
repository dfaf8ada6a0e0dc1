#include "driver.hpp"

#include <doctest/doctest.h>

using namespace panal;
using namespace panal::http::test;

namespace {

const std::string good = R"({"value":1,"version":3})";

// A cache whose writes reach `level`, with `members` of three.
struct written : driver {
  written(write_level level, std::uint32_t members) {
    cache.written.reached = level;
    cache.written.members_reached = members;
    cache.written.members = 3;
  }

  std::string put(std::string_view query) {
    cache.entries.clear();
    return send(put_request("k" + std::string{query}, good));
  }
};

std::string field_of(std::string_view text) {
  const std::string_view name = R"("field":")";
  const auto at = text.find(name);
  if (at == std::string_view::npos)
    return {};
  const auto rest = text.substr(at + name.size());
  return std::string{rest.substr(0, rest.find('"'))};
}

} // namespace

TEST_CASE("a write's durability reaches the node as it was asked for") {
  const std::pair<const char*, std::optional<write_level>> table[]{
      {"", std::nullopt},
      {"?", std::nullopt},
      {"?durability=memory", write_level::memory},
      {"?durability=disk", write_level::disk},
      {"?durability=sync", write_level::sync},
      {"?durability=quorum", write_level::quorum},
      {"?durability=all", write_level::all},
      {"?durabilit%79=%61ll", write_level::all},
  };
  for (const auto& row : table) {
    const std::string query = row.first;
    const auto level = row.second;
    CAPTURE(query);
    driver d;
    d.send(put_request("k" + query, good));
    CHECK(d.last.what == verb::put);
    CHECK(d.last.key == "k");
    CHECK(d.last.level == level);
    d.send(request("DELETE /cache/k" + query));
    CHECK(d.last.what == verb::remove);
    CHECK(d.last.level == level);
    d.send(request("DELETE /cache" + query));
    CHECK(d.last.what == verb::clear);
    CHECK(d.last.level == level);
  }
}

TEST_CASE("a query that is not understood gets 400 and names the parameter") {
  const std::pair<const char*, const char*> table[]{
      {"?durability", "durability"},
      {"?durability=", "durability"},
      {"?durability=Disk", "durability"},
      {"?durability=disk%20", "durability"},
      {"?durability=%zz", "durability"},
      {"?durability=quorum=1", "durability"},
      {"?durability=disk&durability=disk", "durability"},
      {"?durability=disk&durability=all", "durability"},
      {"?durability=disk&level=all", "level"},
      {"?Durability=disk", "Durability"},
      {"?x=durability=disk", "x"},
      {"?durability=disk;x=1", "durability"},
      {"?%zz=1", "%zz"},
      {"?=disk", ""},
      {"?&durability=disk", ""},
      {"?durability=disk&&", ""},
  };
  for (const auto& row : table)
    for (const auto* line : {"PUT /cache/k", "DELETE /cache/k", "DELETE /cache",
                             "PUT /cache/a%2Fb"}) {
      const std::string query = row.first;
      const std::string name = row.second;
      CAPTURE(query);
      driver d;
      const auto got = d.send(request(std::string{line} + query));
      CHECK(status_in(got) == 400);
      CHECK(field_of(got) == name);
      CHECK(d.operations == 0);
      CHECK_FALSE(d.client.should_shutdown());
    }
  const auto value = std::string(3'000, 'x');
  for (const auto& query : {"?durability=" + value, "?" + value + "=1"}) {
    const auto got = ask(request("DELETE /cache/k" + query));
    CHECK(status_in(got.text) == 400);
    CHECK(got.text.find("xxx") == std::string::npos);
  }
}

TEST_CASE("what is not a write has no durability") {
  for (const auto* line :
       {"GET /cache/k?durability=disk", "HEAD /cache/k?durability=disk",
        "OPTIONS /cache/k?durability=disk", "GET /_health?durability=disk",
        "GET /api/v1/cluster?durability=disk",
        "DELETE /api/v1/cluster/members/a?durability=disk"})
    CHECK(status_in(ask(request(line)).text) == 400);
}

TEST_CASE("a write that reached what was asked has the body it always had") {
  written d{write_level::sync, 0};
  for (const auto* query :
       {"", "?durability=memory", "?durability=disk", "?durability=sync"}) {
    const auto got = d.put(query);
    CHECK(status_in(got) == 200);
    CHECK(body_in(got) == R"({"status":"stored","node":"node1"})");
    CHECK(field_in(got, "Panal-Durability") == "sync");
    CHECK(field_in(got, "Panal-Stamp") == "01941f297c000001-00000000000000ab");
    CHECK(field_in(got, "Content-Length") == "34");
  }
}

TEST_CASE("a write of the members says how many have it") {
  written d{write_level::quorum, 2};
  auto got = d.put("?durability=quorum");
  CHECK(got.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(body_in(got)
        == R"({"status":"stored","node":"node1","durability":"quorum",)"
           R"("members_reached":2,"members":3})");
  CHECK(field_in(got, "Panal-Durability") == "quorum");
  CHECK(field_in(got, "Content-Length") == std::to_string(body_in(got).size()));
  d.cache.written.reached = write_level::all;
  d.cache.written.members_reached = 3;
  got = d.put("?durability=quorum");
  CHECK(status_in(got) == 200);
  CHECK(body_in(got)
        == R"({"status":"stored","node":"node1","durability":"all",)"
           R"("members_reached":3,"members":3})");
}

TEST_CASE("a write that reached less is accepted, and says what was asked") {
  written d{write_level::disk, 1};
  auto got = d.put("?durability=all");
  CHECK(got.starts_with("HTTP/1.1 202 Accepted\r\n"));
  CHECK(body_in(got)
        == R"({"status":"stored","node":"node1","durability":"disk",)"
           R"("requested":"all","members_reached":1,"members":3})");
  CHECK(field_in(got, "Content-Length") == std::to_string(body_in(got).size()));
  CHECK(field_in(got, "Panal-Durability") == "disk");
  got = d.put("?durability=sync");
  CHECK(status_in(got) == 202);
  CHECK(body_in(got)
        == R"({"status":"stored","node":"node1","durability":"disk",)"
           R"("requested":"sync"})");
  // It is an answer like any other: the connection goes on.
  CHECK(status_in(d.send(request("GET /cache/k"))) == 200);
}

TEST_CASE("deletes and clear-all are answered as puts are") {
  written d{write_level::disk, 1};
  d.put("");
  auto got = d.send(request("DELETE /cache/k?durability=quorum"));
  CHECK(status_in(got) == 202);
  CHECK(body_in(got)
        == R"({"status":"deleted","node":"node1","durability":"disk",)"
           R"("requested":"quorum","members_reached":1,"members":3})");
  d.put("");
  got = d.send(request("DELETE /cache/k"));
  CHECK(body_in(got) == R"({"status":"deleted","node":"node1"})");
  CHECK(field_in(got, "Panal-Stamp") == "01941f297c000001-00000000000000ab");
  got = d.send(request("DELETE /cache?durability=all"));
  CHECK(status_in(got) == 202);
  CHECK(body_in(got).starts_with(R"({"status":"cleared","node":"node1",)"));
}

TEST_CASE("a write that was not carried out has no stamp") {
  driver d;
  for (const auto code : {errc::stale_version, errc::storage_full,
                          errc::clock_unsafe, errc::deadline_exceeded}) {
    d.cache.forced = code;
    const auto got = d.send(put_request("k?durability=quorum", good));
    CHECK(status_in(got) >= 400);
    CHECK(got.find("Panal-") == std::string::npos);
  }
  d.cache.forced = std::nullopt;
  CHECK(d.send(request("DELETE /cache/none")).find("Panal-")
        == std::string::npos);
  d.send(put_request("k", good));
  CHECK(d.send(request("GET /cache/k")).find("Panal-") == std::string::npos);
}

TEST_CASE("clear-all empties the cache") {
  driver d;
  d.send(put_request("a", good) + put_request("b", good));
  CHECK(d.cache.entries.size() == 2);
  const auto got = d.send(request("DELETE /cache"));
  CHECK(status_in(got) == 200);
  CHECK(body_in(got) == R"({"status":"cleared","node":"node1"})");
  CHECK(field_in(got, "Panal-Durability") == "disk");
  CHECK(d.cache.entries.empty());
  CHECK(d.last.key.empty());
}

TEST_CASE("the cache as a whole can only be cleared") {
  for (const auto* verb : {"GET", "HEAD", "PUT", "POST", "PATCH"}) {
    const auto got = ask(request(std::string{verb} + " /cache")).text;
    CHECK(status_in(got) == 405);
    CHECK(field_in(got, "Allow") == "DELETE, OPTIONS");
  }
  const auto got = ask(request("OPTIONS /cache")).text;
  CHECK(status_in(got) == 204);
  CHECK(field_in(got, "Allow") == "DELETE, OPTIONS");
  // One slash more is the empty key, never everything.
  driver d;
  CHECK(status_in(d.send(request("DELETE /cache/"))) == 400);
  CHECK(status_in(d.send(request("DELETE /cache/?durability=all"))) == 400);
  CHECK(status_in(d.send(request("DELETE /cachet"))) == 404);
  CHECK(d.operations == 0);
}

TEST_CASE("a write that waits for members outlasts the time by a moment") {
  for (const auto* query : {"?durability=quorum", "?durability=all"}) {
    driver d;
    d.answering = false;
    d.send(put_request("k" + std::string{query}, good));
    CHECK(d.wait(5'499ms) == "");
    auto late = d.cache.written;
    late.members = 3;
    late.members_reached = 1;
    d.client.answered(d.last_ticket, late, d.now);
    CHECK(status_in(d.collect()) == 202);
  }
  driver silent;
  silent.answering = false;
  silent.send(put_request("k?durability=all", good));
  CHECK(silent.wait(5'499ms) == "");
  CHECK(status_in(silent.wait(1ms)) == 503);
  driver own;
  own.answering = false;
  own.send(put_request("k?durability=sync", good));
  CHECK(status_in(own.wait(5s)) == 503);
}
