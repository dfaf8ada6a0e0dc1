#pragma once

#include "storage/change.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace panal {

/// The changes that one shard made in one go, on their way to the journal and
/// on to the replicator. Shared, never copied: the shard fills it, the journal
/// sets the positions, afterwards nobody writes to it.
struct change_batch {
  std::size_t shard = 0;
  /// The shard's own number of the first change; the others follow.
  std::uint64_t first_number = 1;
  /// A deque, since the shard's overlay points into it while it grows.
  std::deque<change> changes;
  /// Key and entry bytes of all changes.
  std::size_t bytes = 0;
  /// One of them is to be durable against a power cut.
  bool flush = false;

  std::uint64_t last_number() const noexcept {
    return first_number + changes.size() - 1;
  }
};

using change_batch_ptr = std::shared_ptr<change_batch>;

} // namespace panal
