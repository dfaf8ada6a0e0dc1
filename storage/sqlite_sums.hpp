#pragma once

// The checksums of storage/checksum.hpp as functions of SQL, so that a file of
// an older schema gets them, and folding rewrites them, inside the database.

#include "storage/sqlite_handle.hpp"

namespace panal::sqlite {

/// Defines `row_sum(position, key, entry, source)` and `sum_of(...)` on a
/// connection.
result<void> define_sums(const connection& db);

} // namespace panal::sqlite
