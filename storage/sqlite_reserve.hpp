#pragma once

// Space in reserve for a full disk: a file of a fixed size beside the database,
// whose blocks are really taken. When the disk is full it is given up, so that
// the write-ahead log can be moved into the database file, which may have to
// grow for that; the log's own blocks are free afterwards, and the reserve is
// made anew.

#include "storage/sqlite_checkpointer.hpp"

#include <cstdint>
#include <string>

namespace panal::sqlite {

/// The reserve's size in `directory`: at most `bytes_max`, and an eighth of the
/// volume. `bytes_max` where the volume cannot be asked.
std::uint64_t reserve_size(const std::string& directory,
                           std::uint64_t bytes_max);

/// Used by one thread. The file outlives this.
class reserve {
public:
  /// @param directory  where the file is kept.
  /// @param bytes  its size; 0: none is kept, and an old one is removed.
  reserve(const std::string& directory, std::uint64_t bytes);

  /// Makes the file if it is not there as it should be. @return whether it is
  /// there now; false: there is no room for it.
  bool make();
  /// The same where the volume has half as much left beside it, so that the
  /// reserve does not take what writers would have found.
  bool make_if_roomy();
  /// Removes the file.
  void give_up();

  /// The size that it should have.
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// How long the log may become, so that the reserve is room enough for all
  /// of it and a transaction that comes on top.
  sqlite::log_bounds log_bounds() const noexcept;

private:
  bool is_whole() const;

  std::string path_;
  std::uint64_t bytes_;
};

} // namespace panal::sqlite
