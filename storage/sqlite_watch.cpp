#include "storage/sqlite_watch.hpp"

#include <sys/stat.h>

#include <utility>

namespace panal::sqlite {

void file_watch::add(std::string path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) == 0)
    all_.push_back({std::move(path), found.st_dev, found.st_ino});
}

std::optional<std::string> file_watch::changed() const {
  for (const auto& file : all_) {
    struct stat found {};
    if (::lstat(file.path.c_str(), &found) != 0 || found.st_dev != file.device
        || found.st_ino != file.inode)
      return file.path;
  }
  return std::nullopt;
}

} // namespace panal::sqlite
