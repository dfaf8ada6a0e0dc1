#pragma once

#include "storage/operation.hpp"

#include <memory>
#include <utility>

namespace panal {

/// A client's operation on its way through the node, and its answer on the way
/// back. Whoever makes one derives from it what it takes to find that way.
struct request {
  request() = default;
  explicit request(operation asked) : op{std::move(asked)} {}
  request(const request&) = delete;
  request& operator=(const request&) = delete;
  virtual ~request() = default;

  operation op;
  answer reply;
};

using request_ptr = std::unique_ptr<request>;

} // namespace panal
