#include "cluster/recent_changes.hpp"

#include <algorithm>
#include <utility>

namespace panal {

void recent_changes::add(change_batch_ptr batch) {
  if (batch->changes.empty())
    return;
  last_ = batch->changes.back().at;
  bytes_ += batch->bytes;
  batches_.push_back(std::move(batch));
  while (bytes_ > bytes_max_) {
    bytes_ -= batches_.front()->bytes;
    batches_.pop_front();
  }
}

bool recent_changes::holds_after(position after) const noexcept {
  if (after >= last_)
    return true;
  return !batches_.empty() && after + 1 >= batches_.front()->changes.front().at;
}

change_run recent_changes::read_after(position after, std::size_t changes_max,
                                      std::size_t bytes_max) const {
  change_run run{after, {}};
  std::size_t bytes = 0;
  auto i = std::partition_point(batches_.begin(), batches_.end(),
                                [after](const change_batch_ptr& batch) {
                                  return batch->changes.back().at <= after;
                                });
  for (; i != batches_.end(); ++i) {
    const auto& changes = (*i)->changes;
    const auto first = changes.front().at;
    for (auto k = run.upto >= first ? run.upto - first + 1 : 0;
         k < changes.size(); ++k) {
      const auto& what = changes[k];
      bytes += what.key.size() + what.entry.size();
      if (!run.changes.empty()
          && (run.changes.size() >= changes_max || bytes > bytes_max))
        return run;
      run.changes.push_back(&what);
      run.upto = what.at;
    }
  }
  return run;
}

} // namespace panal
