#pragma once

// A request's query. There is one parameter: `durability`, of writes.

#include "http/problem.hpp"
#include "storage/operation.hpp"

#include <optional>
#include <string_view>

namespace panal::http {

/// Reads "durability=quorum" into `level`, which stays empty when `query` is.
/// @param is_write  where it is false no parameter is known.
/// @return 400 for an unknown or repeated parameter and for a value that is
///   none of the levels' names; the problem's `field` names the parameter.
std::optional<problem> read_query(std::string_view query, bool is_write,
                                  std::optional<write_level>& level);

} // namespace panal::http
