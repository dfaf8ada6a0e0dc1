// Room on the disk: the space in reserve, a log that cannot be moved, and files
// that are taken away.

#include "storage/sqlite_reserve.hpp"
#include "storage/sqlite_watch.hpp"
#include "tests/storage/store_support.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

namespace panal::test {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t reserve_bytes = std::uint64_t{1} << 20;

/// What the file takes of the disk.
std::uint64_t taken(const std::string& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return 0;
  return static_cast<std::uint64_t>(found.st_blocks) * 512;
}

} // namespace

TEST_CASE("the reserve takes its space, and gives it up") {
  temp_directory temp;
  const auto path = temp / "panal.reserve";
  sqlite::reserve spare{temp.path().string(), reserve_bytes};
  CHECK_FALSE(fs::exists(path));
  CHECK(spare.make());
  CHECK(taken(path) >= reserve_bytes);
  CHECK(spare.make());
  spare.give_up();
  CHECK_FALSE(fs::exists(path));
  CHECK(spare.make_if_roomy());
  CHECK(taken(path) >= reserve_bytes);
}

TEST_CASE("a reserve that is none is made anew") {
  temp_directory temp;
  const auto path = temp / "panal.reserve";
  sqlite::reserve spare{temp.path().string(), reserve_bytes};
  SUBCASE("a sparse file") {
    std::ofstream{path}.flush();
    fs::resize_file(path, reserve_bytes);
  }
  SUBCASE("a short file") {
    std::ofstream{path} << "short";
  }
  SUBCASE("a link to elsewhere") {
    fs::create_symlink(temp / "target", path);
  }
  CHECK(spare.make());
  CHECK(taken(path) >= reserve_bytes);
  CHECK_FALSE(fs::is_symlink(path));
  CHECK_FALSE(fs::exists(temp / "target"));
}

TEST_CASE("without a reserve its file goes, and the log is bounded as ever") {
  temp_directory temp;
  REQUIRE(sqlite::reserve{temp.path().string(), reserve_bytes}.make());
  sqlite::reserve none{temp.path().string(), 0};
  CHECK_FALSE(fs::exists(temp / "panal.reserve"));
  CHECK(none.make());
  CHECK(none.log_bounds().frames_max == sqlite::log_frames_max);
}

TEST_CASE("the log's bound follows the reserve") {
  temp_directory temp;
  const auto frames = [&](std::uint64_t bytes) {
    return sqlite::reserve{temp.path().string(), bytes}.log_bounds().frames_max;
  };
  CHECK(frames(reserve_bytes_default) == sqlite::log_frames_max);
  CHECK(frames(std::uint64_t{2} << 20) == 256);
  CHECK(frames(1) == 64);
  CHECK(sqlite::reserve_size(temp.path().string(), 1) == 1);
}

TEST_CASE("a watched file is missed when it is removed or replaced") {
  temp_directory temp;
  const auto path = temp / "file";
  std::ofstream{path} << "old";
  sqlite::file_watch watch;
  watch.add(path);
  watch.add(temp / "never was");
  CHECK_FALSE(watch.changed());
  SUBCASE("removed") {
    fs::remove(path);
  }
  SUBCASE("replaced") {
    std::ofstream{temp / "new"} << "new";
    fs::rename(temp / "new", path);
  }
  CHECK(watch.changed() == path);
}

TEST_CASE("a store whose files are gone refuses writes, and reads on") {
  on_disk s;
  put(*s, {{"k", "entry"}});
  CHECK_FALSE(s->look_after().is_gone);
  const std::string data = s.directory / "data";
  fs::rename(data, data + ".away");
  const auto found = s->look_after();
  CHECK(found.is_gone);
  CHECK(found.detail.find("panal.db") != std::string::npos);
  const std::vector<change> next{
      {s->last_position() + 1, "l", "e", own_change}};
  CHECK(s->append(next).error().code == errc::storage_gone);
  CHECK(s->save_fact(fact::line, 1).error().code == errc::storage_gone);
  CHECK(s->probe().error().code == errc::storage_gone);
  CHECK(s->fold(1).error().code == errc::storage_gone);
  CHECK(load(*s).size() == 1);
  fs::rename(data + ".away", data);
  CHECK_FALSE(s->look_after().is_gone);
  CHECK(s->append(next).has_value());
  CHECK(s->probe().has_value());
}

TEST_CASE("a store that keeps a reserve says how much") {
  temp_directory temp;
  auto s = sqlite_store::open(
      {.directory = temp / "data", .reserve_bytes_max = reserve_bytes});
  REQUIRE(s.has_value());
  const auto found = (*s)->look_after();
  CHECK(found.keeps_reserve);
  CHECK_FALSE(found.lacks_reserve);
  CHECK(found.reserve_bytes == reserve_bytes);
  CHECK(taken(temp / "data/panal.reserve") >= reserve_bytes);
  fs::remove(temp / "data/panal.reserve");
  CHECK((*s)->look_after().reserve_bytes == reserve_bytes);
  CHECK(fs::exists(temp / "data/panal.reserve"));
}

} // namespace panal::test
