// Members: whom the node learns of, whom it forgets, and whom it dials.

#include "cluster/frame.hpp"
#include "cluster/link_book.hpp"

#include <algorithm>
#include <utility>

namespace panal {

void link_book::start() {
  port_.tell_members(roster_->all());
}

void link_book::introduced(const proven_peer& peer, steady_time now) {
  if (!peer.dialled.empty())
    roster_->dial_ended(peer.dialled, now);
  if (is_second_claim(peer, now))
    return;
  // Whoever was forgotten is dialled back once, to be told.
  if (roster_->is_forgotten(peer.who.origin))
    return port_.dial(peer.who.address);
  learn(peer, now);
  dial_due(now);
}

void link_book::dial_failed(const std::string& address, bool is_self,
                            steady_time now) {
  if (is_self)
    roster_->is_self(address);
  else
    roster_->dial_ended(address, now);
}

// Of two processes with one identity the one that started later gives way: run
// identities grow with the time of their start.
void link_book::called_copy(const member& by, std::uint64_t run) {
  if (by.origin == roster_->self().origin && run_ < run)
    return;
  port_.tell_copied();
}

void link_book::learn(const proven_peer& peer, steady_time now) {
  if (roster_->is_forgotten(peer.who.origin))
    return;
  if (roster_->introduced(peer.who, peer.dialled))
    remember({peer.who}, now);
}

/// Saves what is new, and tells it to everybody.
void link_book::remember(const std::vector<member>& news, steady_time now) {
  if (news.empty())
    return;
  for (const auto& who : news) {
    save(who, now);
    if (who.forgotten == 0)
      continue;
    port_.note(link_event::forgotten, who, {});
    if (const auto i = link_of(who.origin); i != links_.end())
      cut(i, "forgotten", false, now);
  }
  port_.tell_members(roster_->all());
  for (const auto& [link_id, peer] : links_)
    if (peer.at == stage::up)
      send_members(link_id);
  dial_due(now);
}

// A disk that refuses is asked again at a later beat.
void link_book::save(const member& who, steady_time now) {
  unsaved_[who.origin] = {who, now};
  port_.save(who);
}

void link_book::saved(const member& who, steady_time now) {
  durable_.insert(who.origin);
  if (const auto i = unsaved_.find(who.origin);
      i != unsaved_.end() && i->second.who == who)
    unsaved_.erase(i);
  if (const auto i = link_of(who.origin);
      i != links_.end() && i->second.at == stage::unsaved)
    open(i, now);
}

void link_book::send_members(std::uint64_t link_id) {
  port_.send(link_id, encode(members_frame{roster_->all()}));
}

result<origin_id> link_book::may_forget(std::string_view name) const {
  if (const auto found = roster_->find_name(name)) {
    const bool has_link = std::ranges::any_of(links_, [&](const auto& x) {
      return x.second.who.origin == found->origin;
    });
    if (!has_link)
      return found->origin;
    return error{errc::conflict, "there is a link to it"};
  }
  if (name == roster_->self().name)
    return error{errc::conflict, "it is this node"};
  return error{errc::not_found, "no member has this name"};
}

void link_book::forget(origin_id who, std::uint64_t seen_hlc, steady_time now) {
  if (const auto gone = roster_->forget(who, seen_hlc))
    remember({*gone}, now);
}

void link_book::dial_due(steady_time now) {
  for (const auto& address : roster_->due(now))
    port_.dial(address);
}

} // namespace panal
