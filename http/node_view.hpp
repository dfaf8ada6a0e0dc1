#pragma once

// What the HTTP side asks about the node that it serves, besides its data; the
// composition root ties the two together.

#include "storage/node_conditions.hpp"
#include "storage/node_gate.hpp"

#include <functional>
#include <string_view>

namespace panal::http {

/// Used on all loops' threads at once.
struct node_view {
  /// Whether the node serves; it outlives the server.
  const node_gate& gate;
  /// What is wrong with it all the same; outlives the server too.
  const node_conditions& conditions;
  /// Whether a token is the cluster's secret, found in a time that tells
  /// nothing of it. Empty on a node without a secret.
  std::function<bool(std::string_view token)> is_secret = {};
};

} // namespace panal::http
