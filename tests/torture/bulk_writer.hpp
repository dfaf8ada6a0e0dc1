#pragma once

// Many writes in little time: pipelined puts over one connection.

#include "tests/support/http_client.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace panal::torture {

struct bulk {
  /// Keys "<prefix><first>" and on.
  std::string prefix;
  std::size_t first = 0;
  std::size_t count = 0;
  std::int64_t version = 1;
  std::size_t value_bytes = 60;
};

/// Puts all keys at one node, on the calling thread.
/// @return how many were accepted; less than asked for when the node has not
///         answered for ten seconds.
std::size_t write_bulk(const test::endpoint& to, const bulk& what);

} // namespace panal::torture
