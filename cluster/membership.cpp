#include "cluster/membership.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// How often some peer is told all members again, on the average.
constexpr std::chrono::milliseconds word_pause{10'000};

/// An identity that was seen under two names may live on where it cannot be
/// reached now: so long it is waited for. Forgotten too early, it rejoins.
constexpr std::chrono::milliseconds contested_patience{60'000};

} // namespace

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
  auto& entry = peers_[who.origin];
  auto& known = entry.who;
  if (known.forgotten != 0)
    return false;
  // Whoever had the address before may have taken it off the list.
  aim_at(who.address);
  if (known == who)
    return false;
  entry.contested =
      entry.contested || (!known.name.empty() && known.name != who.name);
  if (known.address != who.address)
    stop_dialling(known.address);
  known = who;
  // Whoever was reached there before is gone. One of the same name is to be
  // forgotten: see replaced().
  for (auto& [origin, other] : peers_)
    if (origin != who.origin && other.who.address == who.address
        && other.who.name != who.name)
      other.who.address.clear();
  aim_at(who.address);
  return true;
}

std::vector<member> membership::heard_of(const std::vector<member>& known) {
  std::vector<member> news;
  for (const auto& who : known) {
    if (who.origin == 0 || who.origin == self_.origin)
      continue;
    const auto i = peers_.find(who.origin);
    if (i == peers_.end()) {
      peers_[who.origin].who = who;
      if (who.forgotten == 0)
        aim_at(who.address);
      news.push_back(who);
    } else if (who.forgotten > i->second.who.forgotten) {
      drop(i->second, who.forgotten);
      news.push_back(i->second.who);
    } else if (!i->second.linked && i->second.who.forgotten == 0
               && is_taken(i->second.who.address) && !is_taken(who.address)) {
      i->second.who.name = who.name;
      i->second.who.address = who.address;
      i->second.contested = true;
      aim_at(who.address);
      news.push_back(i->second.who);
    }
  }
  return news;
}

/// Nobody without a link can be there, since somebody else is. Such an address
/// comes of a copied directory, which has borne a member's identity.
bool membership::is_taken(const std::string& address) const {
  return address.empty() || address == self_.address
         || std::ranges::any_of(peers_, [&](const auto& other) {
              return other.second.linked && other.second.who.address == address;
            });
}

std::optional<origin_id> membership::listener(steady_time now) {
  if (now < next_word_)
    return std::nullopt;
  next_word_ = now + word_pause / 2
               + std::chrono::milliseconds{
                   random_() % static_cast<std::uint64_t>(word_pause.count())};
  std::vector<origin_id> linked;
  for (const auto& [origin, known] : peers_)
    if (known.linked)
      linked.push_back(origin);
  if (linked.empty())
    return std::nullopt;
  return linked[random_() % linked.size()];
}

std::optional<member> membership::forget(origin_id who,
                                         std::uint64_t seen_hlc) {
  const auto i = peers_.find(who);
  if (i == peers_.end() || i->second.who.forgotten != 0)
    return std::nullopt;
  drop(i->second, std::max<std::uint64_t>(seen_hlc, 1));
  return i->second.who;
}

void membership::drop(known_peer& gone, std::uint64_t seen_hlc) {
  const auto address = std::exchange(gone.who.address, {});
  gone.who.forgotten = seen_hlc;
  stop_dialling(address);
  // Its successor may be reached there.
  for (const auto& [origin, other] : peers_)
    if (other.who.address == address)
      aim_at(address);
}

bool membership::is_forgotten(origin_id who) const {
  const auto i = peers_.find(who);
  return i != peers_.end() && i->second.who.forgotten != 0;
}

std::optional<member> membership::find_name(std::string_view name) const {
  std::optional<member> found;
  for (const auto& [origin, known] : peers_)
    if (known.who.name == name && known.who.forgotten == 0
        && (!found || !known.linked))
      found = known.who;
  return found;
}

std::vector<origin_id> membership::replaced(steady_time now) {
  std::vector<origin_id> gone;
  for (auto& [origin, old] : peers_) {
    if (old.who.forgotten != 0 || !has_successor(old)) {
      old.replaced_since.reset();
      continue;
    }
    if (!old.replaced_since)
      old.replaced_since = now;
    if (!old.contested || now - *old.replaced_since >= contested_patience)
      gone.push_back(origin);
  }
  return gone;
}

bool membership::has_successor(const known_peer& old) const {
  return !old.linked && std::ranges::any_of(peers_, [&](const auto& other) {
    const auto& fresh = other.second;
    return fresh.linked && fresh.who.name == old.who.name
           && fresh.who.address == old.who.address;
  });
}

void membership::link_up(origin_id who) {
  const auto i = peers_.find(who);
  if (i == peers_.end())
    return;
  i->second.linked = true;
  const auto t = targets_.find(i->second.who.address);
  if (t != targets_.end()) {
    t->second.under_way = false;
    t->second.due_at = {};
  }
}

void membership::link_down(origin_id who, steady_time now, bool faulty) {
  const auto i = peers_.find(who);
  if (i == peers_.end())
    return;
  i->second.linked = false;
  if (i->second.who.address.empty())
    return;
  auto& aim = targets_[i->second.who.address];
  if (!faulty)
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
  bool is_known = false;
  for (const auto& [origin, known] : peers_) {
    if (known.who.address != address)
      continue;
    if (!known.linked)
      return true;
    is_known = true;
  }
  if (is_known)
    return false;
  const auto s = seeds_.find(address);
  return s != seeds_.end() && !is_linked(s->second);
}

/// The addresses of --join go on being dialled: whoever is there may have to
/// hear that it was forgotten.
void membership::stop_dialling(const std::string& address) {
  if (!seeds_.contains(address))
    targets_.erase(address);
}

void membership::aim_at(const std::string& address) {
  if (!address.empty())
    targets_.try_emplace(address);
}

} // namespace panal
