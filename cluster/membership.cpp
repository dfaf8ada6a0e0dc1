#include "cluster/membership.hpp"

#include <algorithm>
#include <utility>

namespace panal {

membership::membership(member self, const std::vector<member>& known,
                       const std::vector<std::string>& seeds,
                       std::uint64_t seed)
    : self_{std::move(self)}, random_{seed} {
  for (const auto& address : seeds) {
    seeds_.emplace(address, 0);
    aim_at(address);
  }
  heard_of(known);
}

bool membership::introduced(const member& who, const std::string& dialled) {
  if (who.origin == self_.origin || who.origin == 0)
    return false;
  if (const auto seed = seeds_.find(dialled); seed != seeds_.end())
    seed->second = who.origin;
  auto& known = peers_[who.origin].who;
  if (known == who)
    return false;
  if (!known.address.empty() && known.address != who.address)
    targets_.erase(known.address);
  known = who;
  aim_at(who.address);
  return true;
}

std::vector<member> membership::heard_of(const std::vector<member>& known) {
  std::vector<member> news;
  for (const auto& who : known) {
    if (who.origin == 0 || who.origin == self_.origin
        || peers_.contains(who.origin))
      continue;
    peers_[who.origin].who = who;
    aim_at(who.address);
    news.push_back(who);
  }
  return news;
}

void membership::link_up(origin_id who) {
  const auto i = peers_.find(who);
  if (i == peers_.end())
    return;
  i->second.linked = true;
  if (const auto t = targets_.find(i->second.who.address); t != targets_.end())
    t->second = target{};
}

void membership::link_down(origin_id who, steady_time now) {
  const auto i = peers_.find(who);
  if (i == peers_.end())
    return;
  i->second.linked = false;
  auto& aim = targets_[i->second.who.address];
  aim.pause.reset();
  aim.due_at = now + aim.pause.next(random_);
}

std::vector<std::string> membership::due(steady_time now) {
  std::vector<std::string> addresses;
  for (auto& [address, aim] : targets_) {
    if (aim.under_way || now < aim.due_at || !is_wanted(address))
      continue;
    aim.under_way = true;
    addresses.push_back(address);
  }
  return addresses;
}

void membership::dial_ended(const std::string& address, steady_time now) {
  const auto i = targets_.find(address);
  if (i == targets_.end())
    return;
  i->second.under_way = false;
  i->second.due_at = now + i->second.pause.next(random_);
}

void membership::is_self(const std::string& address) {
  seeds_.erase(address);
  targets_.erase(address);
}

std::vector<member> membership::others() const {
  std::vector<member> found;
  for (const auto& [origin, known] : peers_)
    found.push_back(known.who);
  return found;
}

std::vector<member> membership::all() const {
  auto found = others();
  found.push_back(self_);
  return found;
}

std::optional<member> membership::find(origin_id who) const {
  const auto i = peers_.find(who);
  return i == peers_.end() ? std::nullopt : std::optional{i->second.who};
}

bool membership::is_linked(origin_id who) const {
  const auto i = peers_.find(who);
  return i != peers_.end() && i->second.linked;
}

// A member's address is wanted while there is no link to that member; a seed
// that is no member's address (yet) until it has led to one that is linked.
bool membership::is_wanted(const std::string& address) const {
  const auto at = [&address](const auto& known) {
    return known.second.who.address == address;
  };
  const auto i = std::find_if(peers_.begin(), peers_.end(), at);
  if (i != peers_.end())
    return !i->second.linked;
  const auto s = seeds_.find(address);
  return s != seeds_.end() && !is_linked(s->second);
}

void membership::aim_at(const std::string& address) {
  targets_.try_emplace(address);
}

} // namespace panal
