#include "cluster/link_penalties.hpp"

#include "storage/mutant.hpp"

#include <algorithm>
#include <random>

namespace panal {

void link_penalties::add(origin_id who, steady_time now) {
  std::erase_if(penalties_, [&](const auto& x) {
    return now - x.second.until > forgiven_after_;
  });
  if (!penalties_.contains(who))
    make_room();
  auto [i, is_new] =
      penalties_.try_emplace(who, penalty{{first_, bound_}, now});
  std::minstd_rand jitter{static_cast<unsigned>(who)};
  i->second.until = now + i->second.pause.next(jitter);
}

bool link_penalties::keeps_out(origin_id who, steady_time now) const {
  const auto i = penalties_.find(who);
  return i != penalties_.end()
         && (now < i->second.until || PANAL_MUTANT(fault_never_forgiven));
}

void link_penalties::make_room() {
  if (penalties_.size() < peers_max)
    return;
  penalties_.erase(std::ranges::min_element(
      penalties_, {}, [](const auto& x) { return x.second.until; }));
}

} // namespace panal
