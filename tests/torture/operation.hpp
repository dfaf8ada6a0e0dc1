#pragma once

// What clients did to a cluster and what they were told: plain values.

#include "tests/support/http_client.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace panal::torture {

using test::endpoint;
using test::milliseconds;
using test::steady;
using time_point = steady::time_point;

/// A clear of all keys is to become one of these.
enum class action { put, remove, get };

/// How long a write's client asked the node to wait.
enum class durability { node_default, quorum };

enum class outcome {
  /// Carried out: 200; for a get also a 404, which tells something as well.
  ok,
  /// Surely without effect: refused, or never sent.
  failed,
  /// The answer was lost, late, or left it open. It may have been carried out
  /// at any time after the call, or never.
  unknown,
};

/// A key's entry as a client saw it.
struct entry {
  std::int64_t version = 0;
  /// The JSON text.
  std::string value{};

  friend bool operator==(const entry&, const entry&) = default;
};

struct operation {
  action what = action::get;
  /// Index of the node that was asked.
  std::size_t node = 0;
  std::string key{};
  /// A put's. Values are unique within a key.
  entry puts{};
  /// A put's; 0: never expires.
  std::int64_t ttl_ms = 0;
  durability asked = durability::node_default;
  /// When the client began to send, and when it had the whole answer.
  time_point called{};
  time_point returned = time_point::max();
  outcome came_to = outcome::unknown;
  /// The answer's HTTP status; 0: none.
  int status = 0;
  /// A get's answer; nothing for a 404.
  std::optional<entry> found{};
};

using history = std::vector<operation>;

/// Takes an answer over into its operation.
void answer(operation& which, const test::reply& what, time_point now);

/// "0.123456 to 0.123999 node2 put "v" version 3 ttl 100: ok 200".
std::string describe(const operation& what, time_point since);

} // namespace panal::torture
