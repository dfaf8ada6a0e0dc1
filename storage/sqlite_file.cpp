#include "storage/sqlite_file.hpp"

#include "storage/origin.hpp"
#include "storage/sqlite_sql.hpp"
#include "storage/sqlite_sums.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

namespace panal::sqlite {

namespace {

namespace fs = std::filesystem;

constexpr mode_t directory_mode = 0700;
constexpr mode_t file_mode = 0600;
constexpr auto file_name = "panal.db";
/// A page and its header in the log.
constexpr std::uint64_t frame_bytes = 4'096 + 24;

error refuse(const std::string& path, std::string_view why) {
  return {errc::storage_failed, path + ": " + std::string{why}};
}

error system_failure(const std::string& path, int code) {
  auto full = code == ENOSPC || code == EDQUOT;
  return {full ? errc::storage_full : errc::storage_failed,
          path + ": " + std::strerror(code)};
}

/// Makes a new name in `directory` survive a power cut. Best effort: some
/// file systems have no such call.
void sync_directory(const std::string& directory) {
  auto fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return;
  static_cast<void>(::fsync(fd));
  ::close(fd);
}

/// Makes the directory if it is missing; answers its path without links.
result<std::string> prepare_directory(fs::path path) {
  std::error_code code;
  // "link/" would be followed: look at the name itself.
  if (!path.has_filename())
    path = path.parent_path();
  auto parent = path.has_parent_path() ? path.parent_path() : fs::path{"."};
  fs::create_directories(parent, code);
  if (code)
    return system_failure(parent.string(), code.value());
  if (::mkdir(path.c_str(), directory_mode) == 0)
    sync_directory(parent.string());
  else if (errno != EEXIST)
    return system_failure(path.string(), errno);
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return system_failure(path.string(), errno);
  if (S_ISLNK(found.st_mode))
    return refuse(path.string(), "the data directory is a symbolic link");
  if (!S_ISDIR(found.st_mode))
    return refuse(path.string(), "the data directory is not a directory");
  auto real = fs::canonical(path, code);
  if (code)
    return system_failure(path.string(), code.value());
  return real.string();
}

/// Makes the file if it is missing, and nobody else's to read. An existing
/// file is not opened here: closing it would drop this process's locks on it.
result<void> prepare_file(const std::string& directory,
                          const std::string& path) {
  auto fd =
      ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
             file_mode);
  if (fd >= 0) {
    ::close(fd);
    sync_directory(directory);
    return {};
  }
  if (errno != EEXIST)
    return system_failure(path, errno);
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    return system_failure(path, errno);
  if (!S_ISREG(found.st_mode))
    return refuse(path, "not a regular file");
  if ((found.st_mode & 0777) != file_mode
      && ::chmod(path.c_str(), file_mode) != 0)
    return system_failure(path, errno);
  return {};
}

/// The number of the file's schema, 0 if it holds nothing yet; an error if it
/// holds what this version cannot keep.
result<int> schema_of(const connection& db, const std::string& path) {
  auto tables = db.text(sql::count_tables);
  if (!tables)
    return tables.error();
  auto application = db.text(sql::read_application_id);
  if (!application)
    return application.error();
  auto version = db.text(sql::read_schema_version);
  if (!version)
    return version.error();
  if (*tables == "0")
    return 0;
  if (*application != sql::application_id)
    return error{errc::corrupt, path + ": not a database of Panal's"};
  int number = 0;
  std::from_chars(version->data(), version->data() + version->size(), number);
  if (number > sql::schema_version)
    return refuse(path, "written by a newer version: its schema is " + *version
                            + ", this version knows up to "
                            + std::to_string(sql::schema_version));
  if (number < 1)
    return error{errc::corrupt, path + ": schema number " + *version};
  return number;
}

result<void> set_origin(const connection& db, std::string_view node_name) {
  auto origin = draw_origin(node_name);
  if (!origin)
    return origin.error();
  auto set = db.prepare(sql::set_origin);
  if (!set)
    return set.error();
  if (set->bind(1, *origin).run() != SQLITE_OK)
    return db.failure("drawing the origin");
  return {};
}

/// Takes a file from schema `number` (0: an empty file) to this version's, in
/// one transaction: a crash leaves the one or the other.
result<void> bring_up_to_date(const connection& db, int number,
                              std::string_view node_name) {
  if (number == sql::schema_version)
    return {};
  // An error leaves the transaction open; the connection closes then.
  if (auto begun = db.execute(sql::begin.data()); !begun)
    return begun;
  for (auto step = number; step < sql::schema_version; ++step)
    if (auto done = db.execute(sql::schema_steps[step]); !done)
      return done;
  if (number == 0)
    if (auto done = set_origin(db, node_name); !done)
      return done;
  return db.execute(sql::commit.data());
}

/// The write-ahead log, and when it is flushed.
result<void> set_up_log(const connection& db, const std::string& path,
                        durability level) {
  auto mode = db.text(sql::use_wal);
  if (!mode)
    return mode.error();
  if (*mode != "wal")
    return refuse(path, "the file system allows no write-ahead log");
  if (auto done = db.execute(sql::bound_wal); !done)
    return done;
  return db.execute(level == durability::sync ? sql::sync_commits
                                              : sql::sync_checkpoints);
}

result<void> set_up(const connection& db, const std::string& path,
                    const sqlite_config& config) {
  if (auto done = db.execute(sql::prepare_connection); !done)
    return done;
  if (auto done = define_sums(db); !done)
    return done;
  auto schema = schema_of(db, path);
  if (!schema)
    return schema.error();
  if (auto done = set_up_log(db, path, config.level); !done)
    return done;
  return bring_up_to_date(db, *schema, config.node_name);
}

/// A log that a large transaction made longer is cut back afterwards.
result<void> bound_log(const connection& db, const log_bounds& bounds) {
  const auto bytes = 2 * bounds.frames_max * frame_bytes;
  const auto pragma = std::string{sql::limit_log} + std::to_string(bytes);
  return db.execute(pragma.c_str());
}

constexpr auto in_use = "the data directory is in use by another process";

result<connection> open_writer(const std::string& directory,
                               const std::string& path,
                               const sqlite_config& config) {
  auto db = connection::open(path);
  if (!db)
    return db;
  if (auto ready = set_up(*db, path, config); !ready)
    return db->busy() ? refuse(directory, in_use) : ready.error();
  return db;
}

result<connection> open_for_checkpoints(const std::string& path,
                                        durability level) {
  auto db = connection::open(path);
  if (!db)
    return db;
  if (auto done = db->execute(sql::prepare_connection); !done)
    return done.error();
  if (auto done = set_up_log(*db, path, level); !done)
    return done.error();
  return db;
}

} // namespace

result<directory_lock> directory_lock::take(const std::string& directory) {
  auto fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return system_failure(directory, errno);
  directory_lock taken{fd};
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? refuse(directory, in_use)
                                : system_failure(directory, errno);
  return taken;
}

directory_lock::~directory_lock() {
  if (fd_ < 0)
    return;
  // A child process that has inherited the directory must not keep the lock.
  static_cast<void>(::flock(fd_, LOCK_UN));
  ::close(fd_);
}

result<database> open_database(const sqlite_config& config) {
  auto directory = prepare_directory(config.directory);
  if (!directory)
    return directory.error();
  auto lock = directory_lock::take(*directory);
  if (!lock)
    return lock.error();
  auto path = *directory + "/" + file_name;
  if (auto prepared = prepare_file(*directory, path); !prepared)
    return prepared.error();
  auto writer = open_writer(*directory, path, config);
  if (!writer)
    return writer.error();
  auto checkpoints = open_for_checkpoints(path, config.level);
  if (!checkpoints)
    return checkpoints.error();
  reserve spare{*directory, reserve_size(*directory, config.reserve_bytes_max)};
  if (auto bound = bound_log(*writer, spare.log_bounds()); !bound)
    return bound.error();
  // SQLite has both open from its first read to the last connection's end.
  file_watch files;
  files.add(path);
  files.add(path + "-wal");
  return database{std::move(*lock), std::move(*writer), std::move(*checkpoints),
                  std::move(spare), std::move(files)};
}

} // namespace panal::sqlite
