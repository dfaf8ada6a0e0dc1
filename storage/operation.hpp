#pragma once

// One client operation and its answer: plain values that travel from the HTTP
// side to a shard and back.

#include "storage/clock.hpp"
#include "storage/errc.hpp"

#include <cstdint>
#include <string>

namespace panal {

/// What a client asks for.
enum class verb : std::uint8_t { get, put, remove };

/// A client's operation on one key, already validated by the HTTP side.
struct operation {
  verb what = verb::get;
  /// 1 to `max_key_bytes` bytes of UTF-8 without control characters.
  std::string key;
  /// put: the value, the JSON text exactly as it came.
  std::string value;
  /// put: the client's version, >= 0.
  std::int64_t version = 0;
  /// put: time to live from now in ms, > 0; 0 means that it never expires.
  std::int64_t ttl_ms = 0;
};

/// What came of an operation. Exactly one per operation.
struct answer {
  errc code = errc::ok;
  /// get: the value's JSON text.
  std::string value;
  /// get: the entry's version; `stale_version`: the current version.
  std::int64_t version = 0;
  /// get: absolute expiry, or `never`.
  unix_ms expires_at = never;
};

} // namespace panal
