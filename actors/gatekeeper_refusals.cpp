#include "actors/gatekeeper_refusals.hpp"

#include <algorithm>

namespace panal {

void gatekeeper_refusals::refuse(origin_id origin, std::uint64_t run,
                                 verdict why) {
  std::lock_guard guard{mutex_};
  entries_.insert_or_assign(key{origin, run}, entry{why, next_number_++});
  if (entries_.size() > entries_max)
    drop_oldest();
}

void gatekeeper_refusals::allow(origin_id origin) {
  std::lock_guard guard{mutex_};
  std::erase_if(entries_,
                [&](const auto& x) { return x.first.first == origin; });
}

std::optional<verdict> gatekeeper_refusals::find(origin_id origin,
                                                 std::uint64_t run) const {
  std::lock_guard guard{mutex_};
  for (auto which : {run, std::uint64_t{0}})
    if (auto found = entries_.find({origin, which}); found != entries_.end())
      return found->second.why;
  return std::nullopt;
}

void gatekeeper_refusals::drop_oldest() {
  entries_.erase(std::min_element(entries_.begin(), entries_.end(),
                                  [](const auto& a, const auto& b) {
                                    return a.second.number < b.second.number;
                                  }));
}

} // namespace panal
