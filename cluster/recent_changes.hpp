#pragma once

#include "storage/change_batch.hpp"

#include <cstddef>
#include <deque>
#include <vector>

namespace panal {

/// A run of changes of this node in position order, and how far it reaches:
/// changes between the last one and `upto` have been superseded or removed.
struct change_run {
  position upto = 0;
  std::vector<const change*> changes;
};

/// The newest committed changes, kept in memory up to a limit, so that peers
/// who keep up are served without asking the store. Shares the batches of the
/// journal; copies nothing.
class recent_changes {
public:
  /// @param bytes_max  forgets the oldest batches above this.
  explicit recent_changes(std::size_t bytes_max) : bytes_max_{bytes_max} {}

  /// Where the sequence stands when the node starts.
  void start(position last) noexcept { last_ = last; }

  /// Adds the next committed batch.
  void add(change_batch_ptr batch);

  /// The newest position.
  position last() const noexcept { return last_; }
  /// True if every change after `after` is held.
  bool holds_after(position after) const noexcept;

  /// The changes after `after`, which must be held, up to the limits; at least
  /// one unless there is none.
  change_run read_after(position after, std::size_t changes_max,
                        std::size_t bytes_max) const;

  std::size_t bytes() const noexcept { return bytes_; }

private:
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  position last_ = 0;
  std::deque<change_batch_ptr> batches_;
};

} // namespace panal
