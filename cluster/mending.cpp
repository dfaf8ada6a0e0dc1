#include "cluster/mending.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// Tokens of comparisons are repair's below this, and here above.
constexpr std::uint64_t first_token = std::uint64_t{1} << 63;

/// Of keys in one question: a small frame.
constexpr std::size_t question_bytes_max = small_frame_bytes_max - 1'024;

} // namespace

mending::mending(const mending_config& config, const unreadable_keys* keys,
                 replica_port& port, sender send)
    : config_{config},
      keys_{keys},
      port_{port},
      send_{std::move(send)},
      last_token_{first_token} {
  // nop
}

void mending::tick(steady_time now, const std::vector<source>& sources) {
  if (!is_needed())
    return;
  for (const auto& from : sources)
    if (auto& link = peers_[from.who]; now >= link.next_at)
      ask(from, link, now);
}

void mending::ask(const source& from, dialogue& link, steady_time now) {
  link.next_at = now + config_.pause;
  link.asked = false;
  link.keys.clear();
  std::size_t bytes = 0;
  for (const auto& [key, at] : keys_->after(link.last_key, fetch_keys_max)) {
    bytes += 4 + key.size();
    if (bytes > question_bytes_max)
      break;
    link.last_key = key;
    if (at <= from.acknowledged)
      link.keys.push_back(key);
  }
  if (bytes == 0)
    link.last_key.clear(); // from the front again
  if (link.keys.empty())
    return;
  fetch_frame said;
  said.ticket = link.ticket = ++last_ticket_;
  said.keys.assign(link.keys.begin(), link.keys.end());
  link.asked = true;
  link.next_at = now + config_.quiet_max;
  send_(from.who, encode(said));
}

bool mending::answered(origin_id peer, const fetched_frame& said,
                       steady_time now) {
  const auto i = peers_.find(peer);
  if (i == peers_.end() || !i->second.asked || i->second.ticket != said.ticket)
    return true; // a late answer
  auto& link = i->second;
  repair_changes with;
  with.peer = peer;
  with.their_line = said.line;
  with.mends = true;
  for (const auto& item : said.items) {
    if (std::ranges::find(link.keys, item.key) == link.keys.end())
      return false;
    with.changes.push_back(
        {0, std::string{item.key}, std::string{item.entry}, peer});
  }
  link.asked = false;
  link.next_at =
      now
      + (said.items.empty() ? config_.pause : mending_config::milliseconds{0});
  if (!with.changes.empty())
    port_.reconcile(std::move(with));
  return true;
}

void mending::asked(origin_id peer, const fetch_frame& said, steady_time now) {
  auto& link = peers_[peer];
  if (link.token != 0 && now < link.asked_at + config_.quiet_max)
    return; // one at a time
  link.token = ++last_token_;
  link.their_ticket = said.ticket;
  link.asked_at = now;
  leaf_comparison with;
  with.token = link.token;
  with.peer = peer;
  with.bytes_max = config_.answer_bytes_max;
  with.keys.assign(said.keys.begin(), said.keys.end());
  port_.compare(std::move(with));
}

bool mending::looked_up(std::uint64_t token, const std::vector<change>& held,
                        std::uint64_t line) {
  if (token < first_token)
    return false;
  const auto i = std::ranges::find_if(
      peers_, [&](const auto& each) { return each.second.token == token; });
  if (i == peers_.end())
    return true;
  i->second.token = 0;
  fetched_frame said;
  said.ticket = i->second.their_ticket;
  said.line = line;
  std::size_t bytes = 0;
  for (const auto& what : held) {
    bytes += 8 + what.key.size() + what.entry.size();
    if (bytes > config_.answer_bytes_max && !said.items.empty())
      break; // is asked for again
    said.items.push_back({what.key, what.entry});
  }
  send_(i->first, encode(said));
  return true;
}

void mending::gone(origin_id peer) {
  peers_.erase(peer);
}

} // namespace panal
