#pragma once

// Which paths there are, and what may be done to each.

#include "http/problem.hpp"
#include "http/request_parser.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace panal::http {

/// What a request is about.
enum class resource : std::uint8_t {
  /// /cache/{key}
  entry,
  /// /_health
  health,
  /// "*": the server as a whole, OPTIONS only.
  server,
  none,
};

/// Where a request goes.
struct route {
  resource what = resource::none;
  /// entry: the key as it stands in the path, not decoded.
  std::string_view raw_key;
};

/// Finds the route of `head` into `to`: 501 for a method that nobody knows,
/// 405 with Allow, 404 for a path that is not there, 400 for a query (no
/// resource takes one).
/// @return why the request is refused; else nothing.
std::optional<problem> find_route(const request_head& head, route& to);

/// The value of the Allow header of `what`.
std::string_view allowed_methods(resource what) noexcept;

} // namespace panal::http
