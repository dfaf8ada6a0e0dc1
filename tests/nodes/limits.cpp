// What reaches a limit gets a clear answer, and everyone else is served as
// before: slow clients, crowds of them, a full memory and a full disk.

#include "tests/nodes/load.hpp"
#include "tests/nodes/namespaces.hpp"
#include "tests/support/node.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// A node with further flags, that serves.
struct served {
  node one;

  explicit served(std::vector<std::string> more, std::string data = {},
                  std::size_t files_max = 0)
      : one{setup(std::move(more), std::move(data), files_max)} {
    one.start();
  }

  static node_setup setup(std::vector<std::string> more, std::string data,
                          std::size_t files_max) {
    node_setup result;
    result.more = std::move(more);
    result.data_dir = std::move(data);
    result.open_files_max = files_max;
    return result;
  }
  connection dial() {
    auto line = connection::open(one.http());
    REQUIRE(line);
    return std::move(*line);
  }
  /// Sends the bytes, and tells how long the node then bore with it.
  milliseconds borne(std::string_view bytes) {
    auto line = dial();
    REQUIRE(line.send(bytes));
    auto began = steady::now();
    CHECK(line.closed_by_peer(patience));
    return std::chrono::duration_cast<milliseconds>(steady::now() - began);
  }
  bool files_return_to(std::size_t files, milliseconds limit = patience) {
    return eventually(limit,
                      [&] { return one.program().open_files() <= files + 3; });
  }
};

std::string large_value(std::size_t bytes) {
  return text('"', std::string(bytes, 'x'), '"');
}

} // namespace

TEST_CASE("a header, a body and a next request have to come in time") {
  served s{{"--header-timeout-ms=300", "--body-timeout-ms=700",
            "--idle-timeout-ms=1200"}};
  auto header = s.borne("GET /cache/k HTTP/1.1\r\nHost:");
  CHECK(header >= milliseconds{200});
  CHECK(header < milliseconds{1'000});
  auto body = s.borne("PUT /cache/k HTTP/1.1\r\nHost: x\r\n"
                      "Content-Type: application/json\r\n"
                      "Content-Length: 100\r\n\r\n{\"value\"");
  CHECK(body >= milliseconds{500});
  CHECK(body < milliseconds{1'700});
  auto idle = s.borne(request_bytes("GET", "/_health"));
  CHECK(idle >= milliseconds{1'000});
  CHECK(idle < milliseconds{2'500});
}

TEST_CASE("a header's time runs on however its bytes trickle in") {
  served s{{"--header-timeout-ms=500"}};
  auto line = s.dial();
  auto began = steady::now();
  bool ended = !line.send("GET /cache/k HTTP/1.1\r\nX: ");
  while (!ended && steady::now() - began < patience)
    ended = line.closed_by_peer(milliseconds{50}) || !line.send("x");
  CHECK(ended);
  CHECK(steady::now() - began < milliseconds{1'500});
}

TEST_CASE("a body that crawls is ended before its time is over") {
  served s{{"--body-timeout-ms=20000"}};
  auto line = s.dial();
  REQUIRE(line.send("PUT /cache/k HTTP/1.1\r\nHost: x\r\n"
                    "Content-Type: application/json\r\n"
                    "Content-Length: 100000\r\n\r\n{\"value\":\""));
  auto began = steady::now();
  bool ended = false;
  // 20 bytes a second, where 1,000 are the least.
  while (!ended && steady::now() - began < seconds{10})
    ended = line.closed_by_peer(milliseconds{50}) || !line.send("x");
  CHECK(ended);
  CHECK(steady::now() - began < seconds{8});
}

TEST_CASE("a busy connection outlives the idle timeout") {
  served s{{"--idle-timeout-ms=300", "--header-timeout-ms=300"}};
  auto line = s.dial();
  std::string buffer;
  auto began = steady::now();
  while (steady::now() - began < milliseconds{1'500}) {
    REQUIRE(line.send(request_bytes("GET", "/_health")));
    REQUIRE(read_response(line, buffer, patience).status == 200);
    CHECK_FALSE(line.closed_by_peer(milliseconds{50}));
  }
}

TEST_CASE("1,000 clients that never finish a header disturb nobody") {
  raise_open_files();
  served s{{"--header-timeout-ms=4000"}};
  REQUIRE(s.one.client().put("probe", "1", 1).status == 200);
  auto files = s.one.program().open_files();
  auto memory = s.one.program().resident_bytes();
  probe http{s.one.http()};
  std::vector<connection> crowd;
  for (std::size_t i = 0; i < scaled(1'000); ++i) {
    auto line = connection::open(s.one.http());
    REQUIRE(line);
    line->send("GET /cache/k HTTP/1.1\r\nX: ");
    crowd.push_back(std::move(*line));
  }
  // They go on and on, one byte at a time, and are ended all the same.
  CHECK(eventually(seconds{15}, [&] {
    for (auto& line : crowd)
      line.send("x");
    return s.one.program().open_files() <= files + 10;
  }));
  http.stop();
  crowd.clear();
  std::printf("p99 of %zu probes: %lld ms\n", http.took().count(),
              static_cast<long long>(http.took().percentile(0.99).count()));
  CHECK(http.took().count() > 100);
  CHECK(http.failed() == 0);
  CHECK(http.took().percentile(0.99) < seconds{1});
  CHECK(s.files_return_to(files));
  CHECK(s.one.program().resident_bytes() < memory + 64'000'000);
}

TEST_CASE("a client that reads no answers is ended, and fills no memory") {
  served s{{"--write-timeout-ms=1000"}};
  REQUIRE(s.one.client().put("large", large_value(1'000'000), 1).status == 200);
  auto files = s.one.program().open_files();
  auto memory = s.one.program().resident_bytes();
  probe http{s.one.http()};
  std::vector<connection> deaf;
  std::string requests;
  for (int i = 0; i < 100; ++i)
    requests += request_bytes("GET", "/cache/large");
  for (int i = 0; i < 20; ++i) {
    deaf.push_back(s.dial());
    deaf.back().send(requests, milliseconds{500});
  }
  REQUIRE(eventually(patience, [&] {
    return s.one.program().open_files() >= files + deaf.size();
  }));
  std::size_t most = 0;
  CHECK(eventually(patience, [&] {
    most = std::max(most, s.one.program().resident_bytes());
    return s.one.program().open_files() <= files + 5;
  }));
  http.stop();
  // 2 GB of answers were asked for.
  CHECK(most < memory + 150'000'000);
  CHECK(http.failed() == 0);
  CHECK(http.took().percentile(0.99) < seconds{1});
}

TEST_CASE("connections over the limit get an answer and do not stay in line") {
  served s{{"--max-connections=20"}};
  std::vector<connection> idle;
  for (int i = 0; i < 60; ++i)
    idle.push_back(s.dial());
  auto answer = s.one.client().request("GET", "/_health");
  CHECK((answer.status == 200 || answer.status == 503));
  // Being full costs no processor time.
  auto used = s.one.program().cpu_time();
  eventually(milliseconds{1'000}, [] { return false; });
  CHECK(s.one.program().cpu_time() - used < milliseconds{300});
  idle.clear();
  auto client = s.one.client();
  CHECK(eventually(patience, [&] {
    return client.request("GET", "/_health").status == 200;
  }));
}

TEST_CASE("a node that has run out of files serves on, and does not spin") {
  served s{{}, {}, 64};
  REQUIRE(s.one.client().put("probe", "1", 1).status == 200);
  probe busy{s.one.http()};
  REQUIRE(eventually(patience, [&] { return busy.asked() > 10; }));
  std::vector<connection> crowd;
  for (int i = 0; i < 200; ++i)
    if (auto line = connection::begin(s.one.http()))
      crowd.push_back(std::move(*line));
  REQUIRE(
      eventually(patience, [&] { return s.one.program().open_files() >= 64; }));
  auto used = s.one.program().cpu_time();
  auto asked = busy.asked();
  eventually(milliseconds{1'000}, [] { return false; });
  CHECK(s.one.program().cpu_time() - used < milliseconds{300});
  // Every request had its answer, some of them late: to make room, a node may
  // close connections that are idle for a moment.
  crowd.clear();
  CHECK(eventually(patience, [&] { return busy.asked() > asked + 100; }));
  busy.stop();
  CHECK(busy.failed() == 0);
  CHECK(s.one.client().put("late", "1", 1).status == 200);
}

TEST_CASE("a full memory is answered with 507, and deletes make room again") {
  served s{{"--max-memory-bytes=1048576"}};
  auto client = s.one.client();
  const auto value = large_value(10'000);
  int stored = 0;
  reply last;
  do {
    last = client.put(text("k", stored), value, 1);
    if (last.status == 200)
      ++stored;
  } while (last.status == 200 && stored < 1'000);
  CHECK(last.status == 507);
  CHECK(last.raw.header("content-type").starts_with("application/problem"));
  CHECK(stored > 20);
  CHECK(client.get(text("k", stored)).status == 404);
  CHECK(client.get("k0").value == value);
  for (int i = 1; i < stored / 2; ++i)
    REQUIRE(client.remove(text("k", i)).status == 200);
  CHECK(client.put("again", value, 1).status == 200);
}

TEST_CASE("a full disk is answered with 507, and changes nothing") {
  auto disk = small_disk::make(24'000'000);
  if (!disk)
    return skip("right to mount a small disk");
  served s{{}, (disk->path() / "data").string()};
  auto client = s.one.client();
  const auto value = large_value(5'000);
  for (int i = 0; i < 100; ++i)
    REQUIRE(client.put(text("early", i), value, 1).status == 200);
  REQUIRE(client.put("changed", "\"old\"", 1).status == 200);
  disk->fill();

  // Some more may fit into what the files have already.
  std::vector<std::string> stored;
  std::vector<std::string> refused;
  for (int i = 0; i < 4'000 && refused.size() < 50; ++i) {
    auto key = text("late", i);
    auto status = client.put(key, value, 1).status;
    REQUIRE((status == 200 || status == 507));
    (status == 200 ? stored : refused).push_back(key);
  }
  REQUIRE(refused.size() == 50);
  for (const auto& key : refused)
    CHECK(client.get(key).status == 404);
  auto change = client.put("changed", value, 2).status;
  CHECK(client.get("changed").version == (change == 200 ? 2 : 1));
  auto removal = client.remove("early0").status;
  CHECK((removal == 200 || removal == 507));
  CHECK(client.get("early0").status == (removal == 200 ? 404 : 200));
  CHECK(client.get("early1").value == value);
  CHECK(client.request("GET", "/_health").status == 200);

  // Space is back: no restart is needed, then one shows what is on the disk.
  disk->relieve();
  CHECK(eventually(patience, [&] {
    return client.put("afterwards", "1", 1).status == 200;
  }));
  for (int restarted = 0; restarted < 2; ++restarted) {
    CAPTURE(restarted);
    for (const auto& key : stored)
      CHECK(client.get(key).status == 200);
    for (const auto& key : refused)
      CHECK(client.get(key).status == 404);
    CHECK(client.get("changed").version == (change == 200 ? 2 : 1));
    CHECK(client.get("early1").value == value);
    CHECK(client.get("afterwards").status == 200);
    s.one.kill9();
    s.one.start();
  }
  CHECK(client.put(refused.front(), value, 1).status == 200);
}
