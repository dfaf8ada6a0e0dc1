#pragma once

// The data directory and the database file in it: made safely, opened by one
// process at a time, and refused if this version cannot keep what it holds.

#include "storage/sqlite_handle.hpp"
#include "storage/sqlite_reserve.hpp"
#include "storage/sqlite_store.hpp"
#include "storage/sqlite_watch.hpp"

#include <utility>

namespace panal::sqlite {

/// Keeps a data directory from every other opener, in this process too, until
/// it is destroyed. It locks the directory itself: no file is left behind.
class directory_lock {
public:
  static result<directory_lock> take(const std::string& directory);
  directory_lock(directory_lock&& from) noexcept
      : fd_{std::exchange(from.fd_, -1)} {}
  directory_lock& operator=(directory_lock&&) = delete;
  ~directory_lock();

private:
  explicit directory_lock(int fd) : fd_{fd} {}

  int fd_;
};

/// An opened data directory. The lock goes last.
struct database {
  directory_lock lock;
  connection writer;
  /// A second connection to the same file, for another thread's checkpoints.
  connection checkpoints;
  reserve spare;
  /// The database file and its write-ahead log.
  file_watch files;
};

/// Makes the data directory (mode 0700) and the database file (0600) where
/// they are missing, opens the file for this process alone, and brings its
/// schema up to date: an empty file's and an older version's.
/// Errors: `corrupt` if it is no database or not Panal's, `storage_full`, and
/// `storage_failed` for all else: a symbolic link in place of the directory
/// or file, a second process, a newer schema, no permission.
result<database> open_database(const sqlite_config& config);

} // namespace panal::sqlite
