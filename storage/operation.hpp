#pragma once

// One client operation and its answer: plain values that travel from the HTTP
// side to a shard and back.

#include "storage/clock.hpp"
#include "storage/errc.hpp"
#include "storage/stamp.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace panal {

struct cluster_report;

/// What a client asks for.
enum class verb : std::uint8_t {
  get,
  put,
  remove,
  /// Everything that the cluster holds is deleted.
  clear,
  /// A description of the cluster as this node sees it, or of its digest
  /// tree: answer::report.
  report,
  /// Members forget the one that `key` names: `not_found` if none has it,
  /// `conflict` if it is linked, or this node itself.
  forget,
};

/// How durable a write is to be, or was when it was answered. Ordered: each
/// level contains those before it.
enum class write_level : std::uint8_t {
  /// Merged in this node's memory.
  memory,
  /// Committed by this node: survives kill -9.
  disk,
  /// Flushed by this node: survives a power cut.
  sync,
  /// Committed by more than half of the members.
  quorum,
  /// Committed by all members.
  all,
};

/// The level's name in queries and answers: "quorum".
std::string_view to_string(write_level level) noexcept;

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
  /// Writes: the level to wait for; the node's own (`--durability`) if empty.
  std::optional<write_level> level = {};
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
  /// Writes that were carried out: the stamp, and the level that was reached.
  /// Lower than what was asked for when the members did not answer within the
  /// request's time: the write stands and goes on spreading.
  stamp at = {};
  write_level reached = write_level::memory;
  /// Writes at `quorum` and `all`: members that have committed, this node
  /// included, and how many there are.
  std::uint32_t members_reached = 0;
  std::uint32_t members = 0;
  /// report.
  std::shared_ptr<const cluster_report> report = {};
};

} // namespace panal
