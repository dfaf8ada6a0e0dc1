#pragma once

// Which paths there are, and what may be done to each.

#include "http/problem.hpp"
#include "http/request_parser.hpp"
#include "storage/operation.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace panal::http {

/// What a request is about.
enum class resource : std::uint8_t {
  /// /cache/{key}
  entry,
  /// /cache: all entries.
  cache,
  /// /_health
  health,
  /// /api/v1/cluster
  cluster,
  /// /api/v1/cluster/digest
  digest,
  /// /api/v1/cluster/members/{name}
  member,
  /// "*": the server as a whole, OPTIONS only.
  server,
  none,
};

/// Where a request goes.
struct route {
  resource what = resource::none;
  /// entry, member: the key or name as it stands in the path, not decoded.
  std::string_view raw_name = {};
  /// Writes: the query's `durability`.
  std::optional<write_level> level = {};
};

/// Finds the route of `head` into `to`: 501 for a method that nobody knows,
/// 405 with Allow, 404 for a path that is not there, 400 for a query that is
/// not understood.
/// @return why the request is refused; else nothing.
std::optional<problem> find_route(const request_head& head, route& to);

/// The value of the Allow header of `what`.
std::string_view allowed_methods(resource what) noexcept;

} // namespace panal::http
