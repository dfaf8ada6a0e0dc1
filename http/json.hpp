#pragma once

// Reads the body of a PUT: checks every byte of it as JSON (RFC 8259) in one
// pass without recursion, and finds where the value stands. The value is
// never rebuilt: what was sent is what is stored.

#include <cstdint>
#include <string>
#include <string_view>

namespace panal::http {

/// How deep the value may nest: [[1]] has depth 2.
inline constexpr unsigned value_depth_max = 64;

/// What is wrong with a body.
enum class body_error : std::uint8_t {
  none,
  /// Not JSON, or JSON that says two things: 400.
  not_json,
  /// `version` or `ttl_ms` is a number, but not an int64 literal: 400.
  not_an_integer,
  /// A member is missing, of the wrong type, out of range or unknown: 422.
  bad_member,
};

/// A PUT's body, taken apart.
struct put_body {
  body_error error = body_error::none;
  /// bad_member, not_an_integer: the member's name, valid UTF-8; empty when
  /// the body is no object, or the name is too strange to be repeated.
  std::string field;
  /// After an error: one sentence for the client.
  std::string_view detail;

  /// The value's text, a part of the body that was parsed.
  std::string_view value;
  /// >= 0.
  std::int64_t version = 0;
  /// > 0; 0 when the body does not say.
  std::int64_t ttl_ms = 0;
};

/// Takes apart {"value": any, "version": int64 >= 0, "ttl_ms": int64 > 0},
/// the last one optional. Linear in the body's length.
put_body parse_put_body(std::string_view body);

} // namespace panal::http
