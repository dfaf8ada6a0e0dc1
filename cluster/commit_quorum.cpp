#include "cluster/commit_quorum.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>

namespace panal {

bool commit_quorum::add(std::uint64_t ticket, position at, std::size_t members,
                        steady_time deadline) {
  if (waiting_.size() >= waiting_max_)
    return false;
  if (!waiting_.try_emplace(ticket, write{at, members, deadline}).second)
    return false;
  by_need_[members].emplace(at, ticket);
  by_deadline_.emplace(deadline, ticket);
  return true;
}

// Moves the peer's position to its new place among the ranked ones.
void commit_quorum::reached(origin_id peer, position upto) {
  const auto [i, fresh] = peers_.try_emplace(peer, upto);
  if (!fresh && upto <= i->second)
    return;
  if (!fresh)
    ranked_.erase(std::lower_bound(ranked_.begin(), ranked_.end(), i->second,
                                   std::greater<>{}));
  i->second = upto;
  ranked_.insert(
      std::lower_bound(ranked_.begin(), ranked_.end(), upto, std::greater<>{}),
      upto);
}

void commit_quorum::forget(origin_id peer) {
  const auto i = peers_.find(peer);
  if (i == peers_.end())
    return;
  ranked_.erase(std::lower_bound(ranked_.begin(), ranked_.end(), i->second,
                                 std::greater<>{}));
  peers_.erase(i);
}

std::vector<commit_quorum::done> commit_quorum::take_done(steady_time now) {
  std::vector<done> found;
  for (auto i = by_need_.begin(); i != by_need_.end();) {
    const auto upto = common(i->first);
    while (upto && !i->second.empty() && i->second.begin()->first <= *upto) {
      const auto ticket = i->second.begin()->second;
      i->second.erase(i->second.begin());
      finish(ticket, true, found);
    }
    i = i->second.empty() ? by_need_.erase(i) : std::next(i);
  }
  while (!by_deadline_.empty() && by_deadline_.begin()->first <= now) {
    const auto ticket = by_deadline_.begin()->second;
    const auto& late = waiting_.at(ticket);
    const auto need = by_need_.find(late.members);
    need->second.erase({late.at, ticket});
    if (need->second.empty())
      by_need_.erase(need);
    finish(ticket, false, found);
  }
  return found;
}

std::optional<steady_time> commit_quorum::next_deadline() const {
  if (by_deadline_.empty())
    return std::nullopt;
  return by_deadline_.begin()->first;
}

std::size_t commit_quorum::members_at(position at) const {
  const auto end =
      std::upper_bound(ranked_.begin(), ranked_.end(), at, std::greater<>{});
  return 1 + static_cast<std::size_t>(end - ranked_.begin());
}

std::optional<position> commit_quorum::common(std::size_t members) const {
  if (members <= 1)
    return std::numeric_limits<position>::max();
  if (members - 1 > ranked_.size())
    return std::nullopt;
  return ranked_[members - 2];
}

void commit_quorum::finish(std::uint64_t ticket, bool in_time,
                           std::vector<done>& to) {
  const auto i = waiting_.find(ticket);
  to.push_back({ticket, members_at(i->second.at), in_time});
  by_deadline_.erase({i->second.deadline, ticket});
  waiting_.erase(i);
}

} // namespace panal
