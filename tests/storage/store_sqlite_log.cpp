// The write-ahead log of the SQLite store: it is moved to the database file in
// the background, stays short, and shuts other processes out.

#include "storage/sqlite_store.hpp"
#include "tests/storage/store_support.hpp"
#include "tests/support/child_process.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <thread>

namespace panal::test {

namespace {

namespace fs = std::filesystem;

std::atomic<bool> no_room_for_pages = false;

/// Stands in for SQLite's write call: a disk that takes the log's frames, but
/// no page of the database file while `no_room_for_pages`.
ssize_t write_unless_page(int fd, const void* data, std::size_t size,
                          off_t at) {
  if (no_room_for_pages) {
    char name[4096];
    auto link = "/proc/self/fd/" + std::to_string(fd);
    auto length = ::readlink(link.c_str(), name, sizeof name);
    std::string_view path{name, length > 0 ? std::size_t(length) : 0};
    if (path.ends_with("panal.db")) {
      errno = ENOSPC;
      return -1;
    }
  }
  return ::pwrite(fd, data, size, at);
}

/// While it lives, SQLite writes through write_unless_page. Made before the
/// store is opened, gone after it is closed: its threads use the call.
class page_writes {
public:
  page_writes() {
    set(reinterpret_cast<sqlite3_syscall_ptr>(&write_unless_page));
  }
  page_writes(const page_writes&) = delete;
  page_writes& operator=(const page_writes&) = delete;
  ~page_writes() {
    no_room_for_pages = false;
    set(nullptr);
  }

private:
  static void set(sqlite3_syscall_ptr call) {
    auto vfs = sqlite3_vfs_find(nullptr);
    vfs->xSetSystemCall(vfs, "pwrite", call);
    vfs->xSetSystemCall(vfs, "pwrite64", call);
  }
};

keys_and_entries eight_rows(std::size_t round, std::size_t size) {
  keys_and_entries all;
  for (std::size_t i = 0; i < 8; ++i)
    all.emplace_back("key" + std::to_string(round * 8 + i),
                     std::string(size, static_cast<char>('a' + round % 26)));
  return all;
}

/// Whether `path` exceeds `size` within ten seconds.
bool grows_beyond(const std::string& path, std::uintmax_t size) {
  using namespace std::chrono_literals;
  for (auto n = 0; n < 2000 && fs::file_size(path) <= size; ++n)
    std::this_thread::sleep_for(5ms);
  return fs::file_size(path) > size;
}

constexpr std::uintmax_t megabytes(std::uintmax_t count) {
  return count << 20;
}

/// What a reader by SQLite itself is told.
int read_by(const char* vfs, const std::string& path) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, vfs);
  auto code = sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", nullptr,
                           nullptr, nullptr);
  sqlite3_close(db);
  return code;
}

} // namespace

TEST_CASE("a long log is moved in the background, without another call") {
  on_disk s;
  auto path = s.directory / "data/panal.db";
  auto log = path + "-wal";
  for (std::size_t round = 0; fs::file_size(log) < megabytes(9); ++round)
    put(*s, eight_rows(round, 4000));
  // Too short for the appending thread to have moved it.
  CHECK(fs::file_size(log) < megabytes(16));
  CHECK(grows_beyond(path, megabytes(4)));
}

/// The appending thread waits at 16 MB, but a pass that it waits for can leave
/// a rest on a busy machine (22 MB were seen); without its own pass the log
/// grows to 85 MB and more here.
constexpr auto bound_under_load = megabytes(32);

TEST_CASE("the log stays short while rows are appended without a pause") {
  on_disk s;
  constexpr std::size_t rows = 300'000;
  auto log = s.directory / "data/panal.db-wal";
  for (std::size_t round = 0; round < rows / 8; ++round) {
    put(*s, eight_rows(round, 120));
    if (round % 1000 == 0)
      REQUIRE(fs::file_size(log) < bound_under_load);
  }
  CHECK(fs::file_size(log) < bound_under_load);
  auto expected = load(*s);
  CHECK(expected.size() == rows);
  s.reopen();
  CHECK(s->last_position() == rows);
  CHECK(load(*s) == expected);
}

TEST_CASE("the log stays short beside folding") {
  on_disk s;
  for (std::size_t round = 0; round < 10'000; ++round) {
    put(*s, eight_rows(round * 7919 % 4001, 120));
    if (round % 5 == 4)
      REQUIRE(s->fold(128).has_value());
  }
  CHECK(fs::file_size(s.directory / "data/panal.db-wal") < bound_under_load);
  auto before = look(*s);
  s.reopen();
  CHECK(look(*s) == before);
}

TEST_CASE("a disk without room for checkpoints takes what the log may hold") {
  page_writes through;
  on_disk s;
  auto path = s.directory / "data/panal.db";
  auto log = path + "-wal";
  put(*s, eight_rows(0, 4000));
  auto size = fs::file_size(path);
  no_room_for_pages = true;
  std::size_t round = 0;
  result<void> done;
  while (done && round < 2'000) {
    done = s->append(next_changes(*s, eight_rows(round + 1, 4000)));
    if (done)
      ++round;
  }
  REQUIRE(!done);
  CHECK(done.error().code == errc::storage_full);
  CHECK(fs::file_size(path) == size);
  CHECK(fs::file_size(log) >= megabytes(15));
  CHECK(fs::file_size(log) < megabytes(18));
  CHECK(s->probe().error().code == errc::storage_full);
  SUBCASE("until there is room") {
    no_room_for_pages = false;
    s->look_after();
    for (auto n = 0; n < 500; ++n)
      put(*s, eight_rows(++round, 4000));
    CHECK(grows_beyond(path, megabytes(15)));
    CHECK(fs::file_size(log) < megabytes(18));
  }
  SUBCASE("even when it is closed") {
    s.opened.reset();
    CHECK(fs::file_size(log) >= megabytes(15));
    no_room_for_pages = false;
    s.reopen();
  }
  auto before = look(*s);
  CHECK(before.last == (round + 1) * 8);
  s.reopen();
  CHECK(look(*s) == before);
}

TEST_CASE("no other process reads or writes beside the store") {
  temp_directory temp;
  auto path = temp / "data/panal.db";
  child_process holder{[&](int to_parent) {
    auto s = sqlite_store::open({.directory = temp / "data"});
    send(to_parent, s.has_value());
    wait_forever();
  }};
  REQUIRE(holder.receive<bool>() == true);
  CHECK(read_by(nullptr, path) == SQLITE_BUSY);
  CHECK(read_by("unix-excl", path) == SQLITE_BUSY);
  holder.kill();
  CHECK(read_by("unix-excl", path) == SQLITE_OK);
}

TEST_CASE("the store does not open beside another process's reader") {
  temp_directory temp;
  open_sqlite(temp / "data");
  const char* vfs = nullptr;
  SUBCASE("of any kind") {
    vfs = nullptr;
  }
  SUBCASE("of its own kind") {
    vfs = "unix-excl";
  }
  child_process reader{[&](int to_parent) {
    sqlite3* db = nullptr;
    sqlite3_open_v2((temp / "data/panal.db").c_str(), &db,
                    SQLITE_OPEN_READWRITE, vfs);
    auto code = sqlite3_exec(db, "BEGIN; SELECT * FROM meta", nullptr, nullptr,
                             nullptr);
    send(to_parent, code);
    wait_forever();
  }};
  REQUIRE(reader.receive<int>() == SQLITE_OK);
  auto refused = sqlite_store::open({.directory = temp / "data"});
  REQUIRE(!refused.has_value());
  CHECK(refused.error().detail.find("in use by another process")
        != std::string::npos);
  reader.kill();
  CHECK(open_sqlite(temp / "data")->last_position() == 0);
}

} // namespace panal::test
