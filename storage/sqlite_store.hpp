#pragma once

// The store on disk: one SQLite file, one connection that reads and writes,
// one that checkpoints the write-ahead log on a thread of its own. An
// append is one transaction that puts rows at the end of one table, which is
// what makes it cheap; folding sorts them into place later. Everything that
// SQLite says is translated here: no call throws, none leaves a transaction
// open, and after a full disk the store goes on as soon as there is room.

#include "config/options.hpp"
#include "storage/store.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace panal {

struct sqlite_config {
  /// Where `panal.db` lives; made with mode 0700 if it is missing.
  std::string directory;
  /// `sync` flushes every commit; `memory` and `disk` only checkpoints.
  durability level = durability::disk;
  /// Goes into the origin of a new data directory (storage/origin.hpp).
  std::string node_name = "node1";
  /// Bound of the database in pages of 4,096 bytes; 0: SQLite's own.
  std::uint32_t pages_max = 0;
  /// Space that is kept in reserve for a full disk (sqlite_reserve.hpp): so
  /// much, or an eighth of a smaller volume; 0: none.
  std::uint64_t reserve_bytes_max = 0;
};

/// What a node keeps in reserve: twice what the write-ahead log grows to, so
/// that a transaction on top of it has room too.
inline constexpr std::uint64_t reserve_bytes_default = std::uint64_t{32} << 20;

class sqlite_store : public store {
public:
  /// Opens or creates the data directory, for this process alone.
  /// Errors: `corrupt` if the file is damaged or not Panal's; `storage_full`;
  /// `storage_failed` for all else: a symbolic link in place of the directory
  /// or file, a second process, a newer schema, no permission.
  static result<std::unique_ptr<store>> open(const sqlite_config& config);

  /// Bounds the database's size from now on. What it holds already stays: a
  /// lower bound means its present size.
  virtual result<void> limit_pages(std::uint32_t pages_max) = 0;
};

} // namespace panal
