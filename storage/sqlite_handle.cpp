#include "storage/sqlite_handle.hpp"

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace panal::sqlite {

namespace {

/// The system's own code for the last call that failed on `file`.
int last_errno(sqlite3_file* file) noexcept {
  int code = 0;
  if (file != nullptr && file->pMethods != nullptr)
    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &code);
  return code;
}

/// Whether a failed write means that there is no room, by the system's own
/// code. SQLite itself says SQLITE_FULL for ENOSPC only.
bool means_no_room(int system_errno) noexcept {
  return system_errno == ENOSPC || system_errno == EFBIG
         || system_errno == EDQUOT;
}

errc meaning(int code, int system_errno) noexcept {
  switch (code & 0xff) {
  case SQLITE_FULL:
    return errc::storage_full;
  case SQLITE_IOERR:
    return means_no_room(system_errno) ? errc::storage_full
                                       : errc::storage_failed;
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return errc::corrupt;
  default:
    return errc::storage_failed;
  }
}

} // namespace

statement& statement::bind(int parameter, std::uint64_t bits) noexcept {
  auto code = sqlite3_bind_int64(handle_.get(), parameter,
                                 std::bit_cast<sqlite3_int64>(bits));
  if (code != SQLITE_OK)
    bind_failure_ = code;
  return *this;
}

statement& statement::bind(int parameter, std::string_view bytes) noexcept {
  // A null pointer would bind NULL instead of a blob without bytes. The null
  // destructor is SQLITE_STATIC: nothing is copied.
  auto code = sqlite3_bind_blob64(handle_.get(), parameter,
                                  bytes.empty() ? "" : bytes.data(),
                                  bytes.size(), nullptr);
  if (code != SQLITE_OK)
    bind_failure_ = code;
  return *this;
}

statement& statement::bind_text(int parameter, std::string_view text) noexcept {
  auto code = sqlite3_bind_text64(handle_.get(), parameter, text.data(),
                                  text.size(), nullptr, SQLITE_UTF8);
  if (code != SQLITE_OK)
    bind_failure_ = code;
  return *this;
}

int statement::step() noexcept {
  if (bind_failure_ != SQLITE_OK)
    return std::exchange(bind_failure_, SQLITE_OK);
  return sqlite3_step(handle_.get());
}

int statement::run() noexcept {
  auto code = step();
  while (code == SQLITE_ROW)
    code = step();
  reset();
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

void statement::reset() noexcept {
  sqlite3_reset(handle_.get());
}

std::uint64_t statement::bits(int column) const noexcept {
  return std::bit_cast<std::uint64_t>(
      sqlite3_column_int64(handle_.get(), column));
}

std::string_view statement::bytes(int column) const noexcept {
  auto data = sqlite3_column_blob(handle_.get(), column);
  auto size = sqlite3_column_bytes(handle_.get(), column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

result<connection> connection::open(const std::string& path) {
  sqlite3* handle = nullptr;
  auto code = sqlite3_open_v2(path.c_str(), &handle,
                              SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                  | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW
                                  | SQLITE_OPEN_EXRESCODE,
                              "unix-excl");
  connection opened{handle};
  if (handle == nullptr)
    return error{errc::storage_failed, "no memory to open " + path};
  if (code != SQLITE_OK)
    return opened.failure("opening " + path);
  return opened;
}

result<statement> connection::prepare(std::string_view sql) const {
  sqlite3_stmt* prepared = nullptr;
  auto code = sqlite3_prepare_v3(handle_.get(), sql.data(),
                                 static_cast<int>(sql.size()),
                                 SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  if (code != SQLITE_OK)
    return failure("preparing a statement");
  return statement{prepared};
}

result<void> connection::prepare(
    std::initializer_list<std::pair<statement*, std::string_view>> all) const {
  for (auto [to, text] : all) {
    auto prepared = prepare(text);
    if (!prepared)
      return prepared.error();
    *to = std::move(*prepared);
  }
  return {};
}

result<void> connection::define(const char* name, int arguments,
                                void (*body)(sqlite3_context*, int,
                                             sqlite3_value**)) const {
  if (sqlite3_create_function_v2(handle_.get(), name, arguments,
                                 SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
                                 body, nullptr, nullptr, nullptr)
      != SQLITE_OK)
    return failure(name);
  return {};
}

result<void> connection::execute(const char* sql) const {
  if (run(sql) != SQLITE_OK)
    return failure("setting up the database");
  return {};
}

int connection::run(const char* sql) const noexcept {
  return sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
}

result<std::string> connection::text(std::string_view sql) const {
  auto prepared = prepare(sql);
  if (!prepared)
    return prepared.error();
  if (prepared->step() != SQLITE_ROW)
    return failure(sql);
  return std::string{prepared->bytes(0)};
}

void connection::report_log_frames(std::uint64_t& to) const noexcept {
  auto report = [](void* frames, sqlite3*, const char*, int count) {
    *static_cast<std::uint64_t*>(frames) = static_cast<std::uint64_t>(count);
    return SQLITE_OK;
  };
  sqlite3_wal_hook(handle_.get(), report, &to);
}

log_pass connection::checkpoint() const {
  int in_log = 0;
  int moved = 0;
  auto code = sqlite3_wal_checkpoint_v2(
      handle_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, &in_log, &moved);
  if (code != SQLITE_OK || moved < 0)
    return {false, 0, failure("checkpoint")};
  return {true, static_cast<std::uint64_t>(moved), {}};
}

result<void> connection::empty_log() const {
  auto code = sqlite3_wal_checkpoint_v2(
      handle_.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK)
    return failure("checkpoint");
  return {};
}

bool connection::flush_database() const noexcept {
  sqlite3_file* opened = nullptr;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_FILE_POINTER,
                       &opened);
  return opened != nullptr && opened->pMethods != nullptr
         && opened->pMethods->xSync(opened, SQLITE_SYNC_NORMAL) == SQLITE_OK;
}

bool connection::in_transaction() const noexcept {
  return sqlite3_get_autocommit(handle_.get()) == 0;
}

bool connection::busy() const noexcept {
  return (sqlite3_errcode(handle_.get()) & 0xff) == SQLITE_BUSY;
}

bool connection::flush_failed() const noexcept {
  return sqlite3_extended_errcode(handle_.get()) == SQLITE_IOERR_FSYNC;
}

int connection::write_errno() const noexcept {
  // sqlite3_system_errno() stays 0 when a COMMIT fails, so ask the files: the
  // log, which is what commits write, then the database.
  for (auto file : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER}) {
    sqlite3_file* opened = nullptr;
    sqlite3_file_control(handle_.get(), "main", file, &opened);
    if (auto code = last_errno(opened); code != 0)
      return code;
  }
  return sqlite3_system_errno(handle_.get());
}

error connection::failure(std::string_view doing) const {
  auto code = sqlite3_extended_errcode(handle_.get());
  std::string detail{doing};
  detail += ": ";
  detail += sqlite3_errmsg(handle_.get());
  detail += " (" + std::to_string(code);
  auto system_errno = 0;
  if (code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_FSYNC) {
    system_errno = write_errno();
    detail += ", ";
    detail += std::strerror(system_errno);
  }
  detail += ")";
  return {meaning(code, system_errno), std::move(detail)};
}

} // namespace panal::sqlite
