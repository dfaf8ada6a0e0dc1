// What only the SQLite store does: the files, who may open them, and what it
// refuses to open.

#include "storage/sqlite_store.hpp"
#include "tests/storage/schema_1.hpp"
#include "tests/storage/store_support.hpp"
#include "tests/support/child_process.hpp"

#include <sys/stat.h>

#include <fstream>

namespace panal::test {

namespace {

namespace fs = std::filesystem;

mode_t mode_of(const std::string& path) {
  struct stat found {};
  REQUIRE(::lstat(path.c_str(), &found) == 0);
  return found.st_mode & 0777;
}

error refusal(const std::string& directory) {
  auto opened = sqlite_store::open({.directory = directory});
  REQUIRE(!opened.has_value());
  return opened.error();
}

bool mentions(const error& err, std::string_view words) {
  return err.detail.find(words) != std::string::npos;
}

/// Overwrites bytes of a file.
void patch(const std::string& path, std::streamoff at,
           const std::string& bytes) {
  std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
  file.seekp(at).write(bytes.data(),
                       static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

/// A closed data directory with a few pages of entries in it.
void fill(const std::string& directory) {
  auto s = open_sqlite(directory);
  keys_and_entries all;
  for (auto i = 0; i < 1000; ++i)
    all.emplace_back("key" + std::to_string(i), std::string(200, 'x'));
  put(*s, all);
  REQUIRE(s->fold(600)->folded == 600);
}

} // namespace

TEST_CASE("the data directory and its files are their owner's alone") {
  temp_directory temp;
  auto directory = temp / "new" + "/data/";
  auto s = open_sqlite(directory);
  put(*s, {{"a", "1"}});
  CHECK(mode_of(directory) == 0700);
  CHECK(mode_of(directory + "panal.db") == 0600);
  CHECK(mode_of(directory + "panal.db-wal") == 0600);
  s.reset();
  fs::permissions(directory + "panal.db", fs::perms{0644});
  s = open_sqlite(directory);
  CHECK(mode_of(directory + "panal.db") == 0600);
}

TEST_CASE("closing leaves one file, without a log") {
  temp_directory temp;
  fill(temp / "data");
  CHECK(fs::exists(temp / "data/panal.db"));
  CHECK(!fs::exists(temp / "data/panal.db-wal"));
  CHECK(!fs::exists(temp / "data/panal.db-shm"));
}

TEST_CASE("the log stays bounded, whatever is appended and folded") {
  on_disk s;
  keys_and_entries all(1000);
  for (auto round = 0; round < 40; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i)
      all[i] = {"key" + std::to_string(i), std::string(1000, 'x')};
    put(*s, all);
    if (round % 8 == 7)
      while (s->fold(2000)->folded > 0)
        ;
  }
  auto log = fs::file_size(s.directory / "data/panal.db-wal");
  CHECK(log < std::uintmax_t{24} << 20);
}

TEST_CASE("a symbolic link is no data directory, and no database") {
  temp_directory temp;
  fill(temp / "real");
  fs::create_directory_symlink(temp / "real", temp / "link");
  CHECK(refusal(temp / "link").code == errc::storage_failed);
  CHECK(mentions(refusal(temp / "link"), "symbolic link"));
  CHECK(mentions(refusal(temp / "link/"), "symbolic link"));
  fs::create_directory(temp / "other");
  fs::create_symlink(temp / "real/panal.db", temp / "other/panal.db");
  CHECK(mentions(refusal(temp / "other"), "not a regular file"));
  // A link further up is the administrator's own business.
  CHECK(load(*open_sqlite(temp / "link/../real")).size() == 1000);
  fs::create_directory_symlink(temp.path(), temp / "up");
  CHECK(load(*open_sqlite(temp / "up/real")).size() == 1000);
}

TEST_CASE("a file in the directory's place is refused") {
  temp_directory temp;
  std::ofstream{temp / "data"} << "here already";
  CHECK(refusal(temp / "data").code == errc::storage_failed);
  CHECK(refusal(temp / "data/below").code == errc::storage_failed);
}

TEST_CASE("a second store on the same directory is told so") {
  on_disk s;
  put(*s, {{"a", "1"}});
  auto refused = refusal(s.directory / "data");
  CHECK(refused.code == errc::storage_failed);
  CHECK(mentions(refused, "in use by another process"));
  put(*s, {{"b", "2"}});
  s.reopen();
  CHECK(s->last_position() == 2);
}

TEST_CASE("a second process on the same directory is told so") {
  temp_directory temp;
  child_process holder{[&](int to_parent) {
    auto s = sqlite_store::open({.directory = temp / "data"});
    send(to_parent, s.has_value());
    wait_forever();
  }};
  REQUIRE(holder.receive<bool>() == true);
  CHECK(mentions(refusal(temp / "data"), "in use by another process"));
  holder.kill();
  CHECK(open_sqlite(temp / "data")->last_position() == 0);
}

TEST_CASE("a data directory keeps its identity under a new node name") {
  temp_directory temp;
  auto origin = open_sqlite(temp / "data")->origin();
  auto renamed =
      sqlite_store::open({.directory = temp / "data", .node_name = "another"});
  CHECK((*renamed)->origin() == origin);
  auto other =
      sqlite_store::open({.directory = temp / "other", .node_name = "another"});
  CHECK(((*other)->origin() >> 48) != (origin >> 48));
}

TEST_CASE("a newer schema is refused and left alone") {
  temp_directory temp;
  fill(temp / "data");
  // user_version stands big-endian at offset 60 of the file.
  patch(temp / "data/panal.db", 60, {"\0\0\0\4", 4});
  CHECK(refusal(temp / "data").code == errc::storage_failed);
  CHECK(mentions(refusal(temp / "data"), "newer version"));
  patch(temp / "data/panal.db", 60, {"\0\0\0\3", 4});
  CHECK(load(*open_sqlite(temp / "data")).size() == 1000);
}

TEST_CASE("a file of the first schema is brought up to date at opening") {
  temp_directory temp;
  make_schema_1(temp / "data");
  auto expected = schema_1_content();
  for (auto round = 0; round < 2; ++round)
    CHECK(look(*open_sqlite(temp / "data")) == expected);
  auto s = open_sqlite(temp / "data");
  expected.members.front().forgotten = true;
  CHECK(s->save_member(expected.members.front()).has_value());
  CHECK(s->save_fact(fact::line, 1).has_value());
  CHECK(s->add_run({1, 1}).has_value());
  s.reset();
  s = open_sqlite(temp / "data");
  CHECK(*s->members() == expected.members);
  CHECK(s->facts()->size() == 1);
  CHECK(s->runs()->size() == 1);
  CHECK(s->rebirth(42, {}, {}, {}).has_value());
}

TEST_CASE("what is not Panal's database is corrupt") {
  temp_directory temp;
  fill(temp / "data");
  SUBCASE("no database at all") {
    patch(temp / "data/panal.db", 0, std::string(4096, 'x'));
  }
  SUBCASE("another program's") {
    patch(temp / "data/panal.db", 68, {"\0\0\0\7", 4});
  }
  SUBCASE("no schema number") {
    patch(temp / "data/panal.db", 60, {"\0\0\0\0", 4});
  }
  CHECK(refusal(temp / "data").code == errc::corrupt);
}

TEST_CASE("a damaged file is corrupt at opening or at loading, never short") {
  temp_directory temp;
  fill(temp / "data");
  auto size = fs::file_size(temp / "data/panal.db");
  SUBCASE("cut off") {
    fs::resize_file(temp / "data/panal.db", size / 2);
  }
  SUBCASE("pages overwritten") {
    for (std::uintmax_t at = 4096; at < size; at += 4096)
      patch(temp / "data/panal.db", static_cast<std::streamoff>(at),
            std::string(4096, '\xff'));
  }
  auto opened = sqlite_store::open({.directory = temp / "data"});
  auto failed = opened ? (*opened)->load([](auto, auto, auto) {}).error()
                       : opened.error();
  CHECK(failed.code == errc::corrupt);
}

TEST_CASE("a log that a crash cut off is read up to its last whole commit") {
  temp_directory temp;
  auto s = open_sqlite(temp / "data");
  put(*s, {{"a", "1"}});
  put(*s, {{"b", "2"}});
  auto before = look(*s);
  put(*s, {{"c", std::string(10'000, 'x')}});
  fs::copy(temp / "data", temp / "crashed");
  auto log = temp / "crashed/panal.db-wal";
  fs::resize_file(log, fs::file_size(log) - 100);
  CHECK(look(*open_sqlite(temp / "crashed")) == before);
}

} // namespace panal::test
