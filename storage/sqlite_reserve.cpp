#include "storage/sqlite_reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

namespace panal::sqlite {

namespace {

constexpr mode_t file_mode = 0600;
constexpr auto file_name = "/panal.reserve";
constexpr std::uint64_t page_bytes = 4'096;
constexpr std::uint64_t frames_max_least = 64;
/// Of the volume.
constexpr std::uint64_t volume_divisor = 8;
constexpr std::uint64_t stat_block_bytes = 512;

} // namespace

std::uint64_t reserve_size(const std::string& directory,
                           std::uint64_t bytes_max) {
  struct statvfs volume {};
  if (::statvfs(directory.c_str(), &volume) != 0 || volume.f_blocks == 0)
    return bytes_max;
  const auto bytes = std::uint64_t{volume.f_blocks} * volume.f_frsize;
  return std::min(bytes_max, bytes / volume_divisor);
}

reserve::reserve(const std::string& directory, std::uint64_t bytes)
    : path_{directory + file_name}, bytes_{bytes} {
  if (bytes == 0)
    give_up();
}

// A sparse file would promise what it does not have.
bool reserve::is_whole() const {
  struct stat found {};
  return ::lstat(path_.c_str(), &found) == 0 && S_ISREG(found.st_mode)
         && static_cast<std::uint64_t>(found.st_size) == bytes_
         && static_cast<std::uint64_t>(found.st_blocks) * stat_block_bytes
                >= bytes_;
}

bool reserve::make() {
  if (bytes_ == 0 || is_whole())
    return true;
  give_up();
  const auto fd =
      ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
             file_mode);
  if (fd < 0)
    return false;
  const auto code = ::posix_fallocate(fd, 0, static_cast<off_t>(bytes_));
  ::close(fd);
  if (code == 0)
    return true;
  give_up();
  return false;
}

bool reserve::make_if_roomy() {
  if (bytes_ == 0 || is_whole())
    return true;
  struct statvfs volume {};
  if (::statvfs(path_.substr(0, path_.rfind('/')).c_str(), &volume) != 0)
    return false;
  const auto left = std::uint64_t{volume.f_bavail} * volume.f_frsize;
  return left >= bytes_ + bytes_ / 2 && make();
}

sqlite::log_bounds reserve::log_bounds() const noexcept {
  sqlite::log_bounds bounds;
  if (bytes_ == 0)
    return bounds;
  bounds.frames_max =
      std::clamp(bytes_ / page_bytes / 2, frames_max_least, bounds.frames_max);
  bounds.frames_wanted = bounds.frames_max / 2;
  return bounds;
}

void reserve::give_up() {
  static_cast<void>(::unlink(path_.c_str()));
}

} // namespace panal::sqlite
