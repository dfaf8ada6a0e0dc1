#pragma once

// The data directory and the database file in it: made safely, opened by one
// process at a time, and refused if this version cannot keep what it holds.

#include "storage/sqlite_handle.hpp"
#include "storage/sqlite_store.hpp"

namespace panal::sqlite {

/// Makes the data directory (mode 0700) and the database file (0600) where
/// they are missing, opens the file for this process alone, and creates the
/// schema in an empty one.
/// Errors: `corrupt` if it is no database or not Panal's, `storage_full`, and
/// `storage_failed` for all else: a symbolic link in place of the directory
/// or file, a second process, a newer schema, no permission.
result<connection> open_database(const sqlite_config& config);

} // namespace panal::sqlite
