// What a real node does when its disk is full, however long, when it is
// started on one, and when its data directory is taken away.

#include "tests/nodes/load.hpp"
#include "tests/nodes/namespaces.hpp"
#include "tests/support/node.hpp"
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <thread>

using namespace panal::test;
using std::chrono::seconds;

namespace {

namespace fs = std::filesystem;

constexpr const char* mount_right = "right to mount a small disk";

node_setup on(const fs::path& data) {
  node_setup setup;
  setup.data_dir = data.string();
  return setup;
}

std::string value_of(std::size_t bytes) {
  return text('"', std::string(bytes, 'x'), '"');
}

std::string health(const node& one) {
  return one.client().request("GET", "/_health").body;
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

bool comes_to_say(const node& one, std::string_view part,
                  milliseconds limit = patience) {
  return eventually(limit, [&] { return says(health(one), part); });
}

std::uintmax_t size_of(const fs::path& file) {
  std::error_code none;
  const auto size = fs::file_size(file, none);
  return none ? 0 : size;
}

/// A client that goes on overwriting the same keys until it is destroyed.
class stubborn_writer {
public:
  explicit stubborn_writer(endpoint to, std::size_t bytes)
      : thread_{[this, to, value = value_of(bytes)] { run(to, value); }} {}
  ~stubborn_writer() {
    over_ = true;
    thread_.join();
  }
  std::size_t stored() const { return stored_; }
  std::size_t refused() const { return refused_; }
  std::size_t failed() const { return failed_; }

private:
  void run(endpoint to, const std::string& value) {
    http_client client{to, patience};
    for (std::int64_t version = 1; !over_; ++version) {
      const auto status =
          client.put(text("w", version % 200), value, version).status;
      ++(status == 200 ? stored_ : status == 507 ? refused_ : failed_);
    }
  }

  std::atomic<bool> over_ = false;
  std::atomic<std::size_t> stored_ = 0;
  std::atomic<std::size_t> refused_ = 0;
  std::atomic<std::size_t> failed_ = 0;
  std::thread thread_;
};

} // namespace

TEST_CASE("writes succeed again by themselves after a small disk was full") {
  const auto disk = small_disk::make(14'000'000);
  if (!disk)
    return skip(mount_right);
  const auto data = disk->path() / "data";
  node one{on(data)};
  one.start();
  REQUIRE(one.client().put("before", "1", 1).status == 200);
  const auto reserve = size_of(data / "panal.reserve");
  CHECK(reserve > 1'000'000);
  const auto page = one.client().request("GET", "/api/v1/cluster").body;
  CHECK(says(page, text(R"("reserve_bytes":)", reserve)));
  {
    const stubborn_writer writer{one.http(), 3'000};
    REQUIRE(eventually(patience, [&] { return writer.stored() > 500; }));
    disk->fill();
    REQUIRE(eventually(seconds{30}, [&] { return writer.refused() > 0; }));
    CHECK(comes_to_say(one, R"("name":"disk_full")"));
    const auto until = steady::now() + seconds{12};
    while (steady::now() < until) {
      disk->fill(); // what the node gives up is taken by others
      CHECK(size_of(data / "panal.db-wal") < 4'000'000);
      std::this_thread::sleep_for(milliseconds{100});
    }
    CHECK(says(health(one), R"("status":"degraded")"));
    CHECK(one.client().get("before").status == 200);
    disk->relieve();
    const auto stored = writer.stored();
    CHECK(eventually(seconds{10},
                     [&] { return writer.stored() > stored + 500; }));
    CHECK(size_of(data / "panal.db-wal") < 4'000'000);
    CHECK(writer.failed() == 0);
  }
  CHECK(comes_to_say(one, R"("status":"ok")"));
  CHECK(size_of(data / "panal.reserve") == reserve);
  one.restart();
  CHECK(one.client().get("before").status == 200);
  CHECK(one.client().put("after", "1", 1).status == 200);
}

TEST_CASE("a node starts on a full disk, serves reads, and recovers") {
  const auto disk = small_disk::make(24'000'000);
  if (!disk)
    return skip(mount_right);
  auto setup = member_named("node1");
  setup.data_dir = (disk->path() / "data").string();
  node one{setup};
  one.start();
  REQUIRE(one.client().put("k", "\"kept\"", 1).status == 200);
  bool is_killed = false;
  SUBCASE("after an orderly stop") {
    REQUIRE(one.terminate());
  }
  SUBCASE("after a kill") {
    is_killed = true;
    one.kill9();
  }
  CAPTURE(is_killed);
  fs::remove(disk->path() / "data/panal.reserve");
  disk->fill();
  one.start();
  CHECK(one.client().get("k").value == "\"kept\"");
  CHECK(one.client().put("new", value_of(100'000), 1).status == 507);
  CHECK(one.client().get("new").status == 404);
  CHECK(comes_to_say(one, R"("status":"degraded")"));
  CHECK(says(health(one), R"("name":"disk_full")"));
  // Whoever is met remembers the run that was met.
  node other{member_named("node2", {one.cluster().str()})};
  other.start();
  REQUIRE(other.client().put("elsewhere", "1", 1).status == 200);
  if (!is_killed)
    CHECK_FALSE(eventually(seconds{2}, [&] {
      return one.client().get("elsewhere").status == 200;
    }));

  disk->relieve();
  CHECK(eventually(
      patience, [&] { return one.client().put("new", "1", 1).status == 200; }));
  CHECK(comes_to_say(one, R"("status":"ok")"));
  CHECK(
      all_equal({one.http(), other.http()}, {"k", "new", "elsewhere"}, patience)
          .reached);
  CHECK(one.client().get("elsewhere").status == 200);
}

TEST_CASE("a data directory that is taken away is noticed within a second") {
  temp_dir place;
  const auto data = place.path() / "data";
  node one{on(data)};
  one.start();
  REQUIRE(one.client().put("k", "\"kept\"", 1).status == 200);
  const auto stays = fs::exists(data);
  REQUIRE(stays);
  bool comes_back = false;
  SUBCASE("by deleting it") {
    fs::remove_all(data);
  }
  SUBCASE("by deleting the database") {
    fs::remove(data / "panal.db");
  }
  SUBCASE("by deleting the write-ahead log") {
    fs::remove(data / "panal.db-wal");
  }
  SUBCASE("by putting another file in the database's place") {
    fs::copy_file(data / "panal.db", data / "copy");
    fs::rename(data / "copy", data / "panal.db");
  }
  SUBCASE("by moving it, and back") {
    comes_back = true;
    fs::rename(data, place.path() / "elsewhere");
  }
  CHECK(one.wait_event("data_directory_gone", {}, seconds{1} * slowness));
  CHECK(one.client().put("k", "1", 2).status == 507);
  CHECK(one.client().remove("k").status == 507);
  CHECK(one.client().get("k").value == "\"kept\"");
  CHECK(says(health(one), R"("status":"degraded")"));
  CHECK(says(health(one), R"("name":"data_directory_gone")"));
  if (!comes_back)
    return;
  fs::rename(place.path() / "elsewhere", data);
  CHECK(comes_to_say(one, R"("status":"ok")"));
  CHECK(one.client().put("k", "1", 2).status == 200);
}
