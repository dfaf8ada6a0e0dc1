#pragma once

// An error answer as RFC 9457 has it: application/problem+json.

#include "storage/errc.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace panal::http {

/// Everything that an error answer says. `type` is a fixed word of ours,
/// "not_found", which the document shows as "urn:panal:problem:not_found".
struct problem {
  unsigned status = 500;
  std::string_view type = "internal";
  /// For the person who reads it. Never holds paths, SQL or stack traces.
  std::string detail = {};
  /// 422: the member of the body that is missing or wrong; 400: the query's
  /// parameter; else empty.
  std::string field = {};
  /// 409: the version that stands.
  std::optional<std::int64_t> current_version = {};
  /// 405: the methods of the Allow header; else empty.
  std::string_view allow = {};
};

/// The problem that an operation's outcome amounts to. `code` is not `ok`.
problem problem_of(errc code);

/// A client's own name for something, as an answer's `field` may repeat it;
/// empty when it is not short plain text.
std::string repeatable(std::string_view name);

/// Appends the problem's JSON document to `out`.
void append_document(std::string& out, const problem& what);

/// Appends `text` to `out` as a JSON string with its quotes. `text` is UTF-8.
void append_quoted(std::string& out, std::string_view text);

} // namespace panal::http
