#include "cluster/link_claims.hpp"

#include <algorithm>

namespace panal {

std::chrono::milliseconds link_claims::add(origin_id who, std::uint64_t run,
                                           steady_time now) {
  if (!claims_.contains({who, run}))
    make_room();
  auto& known = claims_.try_emplace({who, run}, claim{now, now}).first->second;
  if (now - known.repeated > memory)
    known.since = now;
  known.repeated = now;
  return std::chrono::duration_cast<std::chrono::milliseconds>(now
                                                               - known.since);
}

void link_claims::make_room() {
  if (claims_.size() < claims_max)
    return;
  claims_.erase(std::ranges::min_element(
      claims_, {}, [](const auto& x) { return x.second.repeated; }));
}

} // namespace panal
