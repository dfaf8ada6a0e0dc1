// Full disks, failing writes and flushes, and kill -9: after each of them the
// store holds exactly what it said it holds.

#include "storage/sqlite_store.hpp"
#include "tests/storage/schema_1.hpp"
#include "tests/storage/store_support.hpp"
#include "tests/support/child_process.hpp"

#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <utility>

namespace {

/// How many writes succeed before every one fails; negative: all succeed.
long writes_left = -1;
bool flushes_fail = false;
/// How many flushes were asked for.
std::atomic<long> flushes = 0;

/// Stands in for SQLite's write call: a disk that is full after so many
/// writes, the first failing one cut in half.
ssize_t full_after_writes(int fd, const void* data, std::size_t size,
                          off_t at) {
  if (writes_left > 0)
    --writes_left;
  if (writes_left == 0) {
    if (size < 2) {
      errno = ENOSPC;
      return -1;
    }
    static bool torn = false;
    if (std::exchange(torn, !torn)) {
      errno = ENOSPC;
      return -1;
    }
    return ::pwrite(fd, data, size / 2, at);
  }
  return ::pwrite(fd, data, size, at);
}

int flush(int fd, long call) {
  ++flushes;
  if (flushes_fail) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(call, fd));
}

} // namespace

// These take the C library's place for SQLite's library, too.
extern "C" int fsync(int fd) {
  return flush(fd, SYS_fsync);
}

extern "C" int fdatasync(int fd) {
  return flush(fd, SYS_fdatasync);
}

namespace panal::test {

namespace {

namespace fs = std::filesystem;

/// While it lives, SQLite writes through full_after_writes.
class full_disk {
public:
  explicit full_disk(long writes) {
    set(reinterpret_cast<sqlite3_syscall_ptr>(&full_after_writes));
    writes_left = writes;
  }
  full_disk(const full_disk&) = delete;
  full_disk& operator=(const full_disk&) = delete;
  ~full_disk() {
    writes_left = -1;
    set(nullptr);
  }

private:
  static void set(sqlite3_syscall_ptr call) {
    auto vfs = sqlite3_vfs_find(nullptr);
    vfs->xSetSystemCall(vfs, "pwrite", call);
    vfs->xSetSystemCall(vfs, "pwrite64", call);
  }
};

/// What an opening after a crash at this moment would find.
snapshot after_crash(const std::string& directory) {
  temp_directory temp;
  fs::copy(directory, temp / "crashed");
  return look(*open_sqlite(temp / "crashed"));
}

keys_and_entries batch(std::size_t count, std::size_t size) {
  keys_and_entries all;
  for (std::size_t i = 0; i < count; ++i)
    all.emplace_back("key" + std::to_string(i * 7919 % 1000),
                     std::string(size, static_cast<char>('a' + i % 26)));
  return all;
}

/// Lets the first, second, third ... write of `act` be the one that finds
/// the disk full, until `act` gets through; answers how many it needs.
long fail_each_write(on_disk& s, const std::function<result<void>()>& act) {
  auto before = look(*s);
  for (long writes = 1;; ++writes) {
    CAPTURE(writes);
    {
      full_disk full{writes};
      if (auto done = act(); done)
        return writes;
      else
        REQUIRE(done.error().code == errc::storage_full);
    }
    REQUIRE(look(*s) == before);
    REQUIRE(after_crash(s.directory / "data") == before);
  }
}

} // namespace

TEST_CASE("an append that finds the disk full at any write changes nothing") {
  on_disk s;
  put(*s, batch(20, 100));
  auto changes = next_changes(*s, batch(40, 1000));
  auto writes = fail_each_write(s, [&] { return s->append(changes); });
  CHECK(writes > 5);
  CHECK(s->last_position() == 60);
  CHECK(after_crash(s.directory / "data") == look(*s));
}

TEST_CASE("a fold that finds the disk full at any write changes nothing") {
  on_disk s;
  put(*s, batch(60, 300));
  REQUIRE(s->fold(20)->folded == 20);
  auto before = load(*s);
  auto writes = fail_each_write(s, [&]() -> result<void> {
    auto step = s->fold(30);
    return step ? result<void>{} : step.error();
  });
  CHECK(writes > 5);
  CHECK(s->journal_rows() == 10);
  CHECK(load(*s) == before);
  CHECK(after_crash(s.directory / "data") == look(*s));
}

TEST_CASE("a rebirth that finds the disk full at any write changes nothing") {
  on_disk s;
  put(*s, batch(60, 300));
  REQUIRE(s->fold(20)->folded == 20);
  REQUIRE(s->save_cursor(7, 2).has_value());
  REQUIRE(s->save_fact(fact::line, 100).has_value());
  REQUIRE(s->add_run({11, 1}).has_value());
  std::vector<change> kept{{1, "a", std::string(9000, 'x'), own_change}};
  std::vector<reissue> again{{"b", std::string(9000, 'x')}};
  auto writes = fail_each_write(s, [&] {
    return s->rebirth(42, kept, again, {{fact::rejoining, 1}});
  });
  CHECK(writes > 5);
  CHECK(s->origin() == 42);
  CHECK(*s->reissues() == again);
  CHECK(after_crash(s.directory / "data") == look(*s));
  put(*s, batch(20, 100));
  CHECK(s->last_position() == 21);
}

TEST_CASE("a migration that finds the disk full at any write can be repeated") {
  for (long writes = 1;; ++writes) {
    CAPTURE(writes);
    temp_directory temp;
    make_schema_1(temp / "data");
    auto opened = [&] {
      full_disk full{writes};
      return sqlite_store::open({.directory = temp / "data"}).has_value();
    }();
    if (opened) {
      CHECK(writes > 5);
      break;
    }
    REQUIRE(look(*open_sqlite(temp / "data")) == schema_1_content());
  }
}

TEST_CASE("the page limit is a full disk, until it is raised") {
  on_disk s;
  put(*s, batch(100, 100));
  auto& sqlite = dynamic_cast<sqlite_store&>(*s);
  REQUIRE(sqlite.limit_pages(1).has_value());
  auto before = look(*s);
  for (auto round = 0; round < 2; ++round) {
    auto refused = s->append(next_changes(*s, batch(1000, 1000)));
    REQUIRE(!refused.has_value());
    CHECK(refused.error().code == errc::storage_full);
    CHECK(s->fold(100).error().code == errc::storage_full);
    CHECK(look(*s) == before);
    CHECK(after_crash(s.directory / "data") == before);
  }
  REQUIRE(sqlite.limit_pages(100'000).has_value());
  put(*s, batch(1000, 1000));
  CHECK(s->fold(100)->folded == 100);
  CHECK(s->last_position() == 1100);
  auto after = look(*s);
  s.reopen();
  CHECK(look(*s) == after);
}

TEST_CASE("a page limit can be given at opening") {
  temp_directory temp;
  auto s = std::move(
      *sqlite_store::open({.directory = temp / "data", .pages_max = 20}));
  auto refused = s->append(next_changes(*s, batch(1000, 1000)));
  CHECK(refused.error().code == errc::storage_full);
  put(*s, batch(5, 1000));
}

TEST_CASE("a commit whose flush failed is not there after a crash") {
  temp_directory temp;
  auto s = open_sqlite(temp / "data", durability::sync);
  put(*s, batch(10, 100));
  auto before = look(*s);
  flushes_fail = true;
  auto failed = s->append(next_changes(*s, batch(10, 100)));
  auto again = s->append(next_changes(*s, batch(3, 1000)));
  flushes_fail = false;
  REQUIRE(!failed.has_value());
  CHECK(failed.error().code == errc::storage_failed);
  CHECK(!again.has_value());
  CHECK(look(*s) == before);
  CHECK(after_crash(temp / "data") == before);
  put(*s, batch(5, 100));
  CHECK(s->last_position() == 15);
  CHECK(after_crash(temp / "data") == look(*s));
}

namespace {

/// The flushes that `act` asks for. The background asks for none as long as
/// the log is short.
template <class F>
long flushes_of(const F& act) {
  auto before = flushes.load();
  REQUIRE(act().has_value());
  return flushes - before;
}

result<void> append(store& to, bool flush) {
  auto changes = next_changes(to, {{"a", "1"}});
  auto row = &changes[0];
  return to.append_all({{row}}, flush);
}

} // namespace

TEST_CASE("an append is flushed when it is asked to be, or each one is") {
  temp_directory temp;
  auto s = open_sqlite(temp / "data");
  put(*s, batch(10, 100));
  for (auto round = 0; round < 2; ++round) {
    CHECK(flushes_of([&] { return append(*s, false); }) == 0);
    CHECK(flushes_of([&] { return append(*s, true); }) == 1);
    CHECK(flushes_of([&] { return append(*s, true); }) == 1);
  }
  CHECK(flushes_of([&] { return append(*s, false); }) == 0);
  CHECK(flushes_of([&] { return s->save_fact(fact::line, 1); }) == 0);
  CHECK(flushes_of([&] { return s->add_run({1, 1}); }) == 1);
  CHECK(flushes_of([&] { return s->rebirth(42, {}, {}, {}); }) == 1);
  CHECK(flushes_of([&] { return append(*s, false); }) == 0);
  s = open_sqlite(temp / "each", durability::sync);
  CHECK(flushes_of([&] { return append(*s, false); }) >= 1);
  CHECK(flushes_of([&] { return append(*s, true); }) == 1);
  CHECK(flushes_of([&] { return append(*s, false); }) == 1);
}

TEST_CASE("a flushed append whose flush failed is not there after a crash") {
  temp_directory temp;
  auto s = open_sqlite(temp / "data");
  put(*s, batch(10, 100));
  auto before = look(*s);
  flushes_fail = true;
  auto failed = append(*s, true);
  flushes_fail = false;
  REQUIRE(!failed.has_value());
  CHECK(failed.error().code == errc::storage_failed);
  CHECK(look(*s) == before);
  CHECK(after_crash(temp / "data") == before);
  put(*s, batch(5, 100));
  CHECK(append(*s, true).has_value());
  CHECK(s->last_position() == 16);
  CHECK(after_crash(temp / "data") == look(*s));
}

namespace {

/// In a child: appends until files may not grow any further, then goes on
/// once they may. Tells: the error's code, whether all was unchanged, and the
/// last position.
void run_into_file_limit(const std::string& directory, int to_parent) {
  ::signal(SIGXFSZ, SIG_IGN);
  auto opened = sqlite_store::open({.directory = directory});
  auto s = std::move(*opened);
  rlimit limit{};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  auto hard = limit.rlim_max;
  limit.rlim_cur = 512 * 1024;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  auto done = result<void>{};
  auto before = look(*s);
  while (done) {
    before = look(*s);
    done = s->append(next_changes(*s, batch(64, 200)));
  }
  send(to_parent, done.error().code);
  send(to_parent, look(*s) == before);
  limit.rlim_cur = hard;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  send(to_parent, s->append(next_changes(*s, batch(64, 200))).has_value());
  send(to_parent, s->last_position());
}

} // namespace

TEST_CASE("a file size limit is a full disk, until it is raised") {
  temp_directory temp;
  child_process child{
      [&](int to_parent) { run_into_file_limit(temp / "data", to_parent); }};
  CHECK(child.receive<errc>() == errc::storage_full);
  CHECK(child.receive<bool>() == true);
  CHECK(child.receive<bool>() == true);
  auto last = child.receive<position>();
  REQUIRE(last.has_value());
  CHECK(*last > 64);
  child.kill();
  auto s = open_sqlite(temp / "data");
  CHECK(s->last_position() == *last);
  CHECK(s->read_after(0, {1'000'000, 1 << 30})->size() == *last);
}

namespace {

/// The change that the kill -9 test makes at a position.
change change_at(position at) {
  auto entry = std::to_string(at) + std::string(at % 300, '.');
  return {at, "key" + std::to_string(at * 31 % 97),
          at % 11 == 0 ? std::string{} : entry, own_change};
}

/// In a child: appends and folds until it is killed, telling the last
/// position after each append that returned.
void append_until_killed(const std::string& directory, std::uint64_t seed,
                         int to_parent) {
  std::mt19937_64 random{seed};
  auto s = std::move(*sqlite_store::open({.directory = directory}));
  for (;;) {
    std::vector<change> changes;
    auto last = s->last_position();
    for (auto n = 1 + random() % 64; n > 0; --n)
      changes.push_back(change_at(++last));
    if (!s->append(changes) || (random() % 4 == 0 && !s->fold(1 + last % 300)))
      ::_exit(1);
    send(to_parent, last);
  }
}

} // namespace

TEST_CASE("what was appended before kill -9 is there afterwards") {
  auto seed = draw_seed();
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  temp_directory temp;
  position told = 0;
  for (auto round = 0; round < 8; ++round) {
    child_process child{[&](int to_parent) {
      append_until_killed(temp / "data", random(), to_parent);
    }};
    for (auto n = 1 + random() % 400; n > 0; --n)
      told = child.receive<position>().value_or(0);
    child.kill();
    while (auto more = child.receive<position>())
      told = *more;
    auto s = open_sqlite(temp / "data");
    REQUIRE(told > 0);
    REQUIRE(s->last_position() >= told);
    REQUIRE(s->last_position() <= told + 64);
    data_set expected;
    for (position at = 1; at <= s->last_position(); ++at) {
      auto made = change_at(at);
      apply(expected, made.key, made.entry, at);
    }
    REQUIRE(load(*s) == expected);
    auto folded = s->last_position() - s->journal_rows();
    auto journal = *s->read_after(folded, {1'000'000, std::size_t{1} << 30});
    REQUIRE(journal.size() == s->journal_rows());
    for (const auto& row : journal)
      REQUIRE(row == change_at(++folded));
  }
}

} // namespace panal::test
