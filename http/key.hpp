#pragma once

// Keys as they stand in a request's path.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace panal::http {

/// What is wrong with a key.
enum class key_error : std::uint8_t {
  none,
  /// No byte is left of it: 400.
  empty,
  /// More bytes than the limit, once decoded: 414.
  too_long,
  /// A `%` without two hexadecimal digits behind it: 400.
  bad_escape,
  /// Not UTF-8 (overlong forms and surrogates included): 400.
  not_utf8,
  /// A character below U+0020, or U+007F: 400.
  control_character,
};

/// Percent-decodes `raw` exactly once into `key`. The bytes are the key's
/// identity: no normalisation, `/`, `..` and `+` mean themselves.
/// @param bytes_max  limit of the decoded key.
/// @return `none`, or why `key` must not be used.
key_error decode_key(std::string_view raw, std::size_t bytes_max,
                     std::string& key);

/// True when `text` is well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text) noexcept;

} // namespace panal::http
