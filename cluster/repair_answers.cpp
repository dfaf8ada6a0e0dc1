// The responder's side of digest repair, and the entries of both sides.

#include "cluster/repair.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// Of a list of leaves and of a frame of entries, before the first item.
constexpr std::size_t leaves_header_bytes = 1 + 4 + 1 + 8 + 2;
constexpr std::size_t entries_header_bytes = 1 + 8 + 4;

std::size_t packed_bytes(const repair_entry& what) {
  return 4 + what.key.size() + 4 + what.entry.size();
}

std::vector<std::uint32_t> numbers_of(const std::vector<repair_leaf>& leaves) {
  std::vector<std::uint32_t> numbers;
  numbers.reserve(leaves.size());
  for (const auto& leaf : leaves)
    numbers.push_back(leaf.leaf);
  return numbers;
}

} // namespace

bool repair::may_answer(origin_id peer, steady_time now) {
  auto& from = peers_[peer];
  if (now - from.counted_from >= std::chrono::seconds{1}) {
    from.counted_from = now;
    from.answers = 0;
  }
  if (from.answers < config_.answers_per_second_max) {
    ++from.answers;
    return true;
  }
  ++counters_.throttled;
  return false;
}

void repair::answer(origin_id peer, const repair_root_frame& said,
                    steady_time now) {
  if (!may_answer(peer, now))
    return;
  if (said.root == own_.root()) {
    peers_[peer].equal_at = now;
    port_.send(peer, encode(repair_equal_frame{said.round}));
    return;
  }
  port_.send(peer, encode(repair_hashes_frame{said.round, 0,
                                              hashes_of(own_, 0, {0})}));
}

void repair::answer(origin_id peer, const repair_ask_frame& said,
                    steady_time now) {
  if (!may_answer(peer, now))
    return;
  // They ascend: the last one is the greatest.
  if (said.nodes.empty() || !is_in_tree(own_, said.level, said.nodes.back())) {
    ++counters_.refused;
    return;
  }
  port_.send(peer, encode(repair_hashes_frame{
                       said.round, said.level,
                       hashes_of(own_, said.level, said.nodes)}));
}

void repair::answer(origin_id peer, const repair_leaves_frame& said,
                    steady_time now) {
  if (!may_answer(peer, now))
    return;
  if (said.leaves.empty()
      || !is_in_tree(own_, repair_levels, said.leaves.back().leaf)) {
    ++counters_.refused;
    return;
  }
  const auto token = ++last_token_;
  peers_[peer].under_way = open_answer{token, true, said};
  port_.list(token, numbers_of(said.leaves));
}

void repair::answer_listed(origin_id peer, std::vector<repair_leaf> leaves,
                           steady_time now) {
  auto& open = *peers_[peer].under_way;
  const auto token = ++last_token_;
  open.token = token;
  open.listing = false;
  const auto theirs = std::exchange(open.theirs, {});
  trim(leaves);
  if (!leaves.empty()) {
    expect_entries(peer, now);
    port_.send(peer,
               encode(repair_leaves_frame{theirs.round, false, port_.line(),
                                          std::move(leaves)}));
  }
  port_.reconcile(token, peer, theirs.line, theirs.leaves,
                  config_.entries_bytes_max);
}

void repair::expect_entries(origin_id peer, steady_time now) {
  auto& from = peers_[peer];
  from.entries_until = now + config_.quiet_max;
  from.entries_bytes = config_.entries_bytes_max;
}

void repair::still_coming(origin_id peer, steady_time now) {
  const auto i = peers_.find(peer);
  if (i != peers_.end() && now <= i->second.entries_until)
    i->second.entries_until = now + config_.quiet_max;
}

void repair::take(origin_id peer, const repair_entries_frame& said,
                  std::size_t bytes, steady_time now) {
  const auto i = peers_.find(peer);
  if (i == peers_.end() || i->second.entries_bytes == 0
      || now > i->second.entries_until) {
    ++counters_.refused;
    return;
  }
  i->second.entries_bytes -= std::min(i->second.entries_bytes, bytes);
  i->second.entries_until = now + config_.quiet_max;
  if (round_ && round_->peer == peer)
    round_->traffic.received += bytes;
  counters_.entries_received += said.items.size();
  port_.merge(peer, said);
}

// Drops what no frame has room for, and then what goes beyond the bound of a
// list. True if something was left out.
bool repair::trim(std::vector<repair_leaf>& leaves) const {
  constexpr auto room = repair_leaves_bytes_max - leaves_header_bytes;
  const auto count = leaves.size();
  std::erase_if(leaves, [](const repair_leaf& leaf) {
    return listed_bytes(leaf) > room;
  });
  const auto bound = std::min(config_.list_bytes_max, room);
  std::size_t bytes = 0;
  const auto is_over = [&bytes, bound](const repair_leaf& leaf) {
    const bool first = bytes == 0;
    bytes += listed_bytes(leaf);
    return !first && bytes > bound;
  };
  leaves.erase(std::find_if(leaves.begin(), leaves.end(), is_over),
               leaves.end());
  return leaves.size() < count;
}

std::vector<std::string> repair::pack(std::span<const repair_entry> entries,
                                      bool& more) {
  std::vector<std::string> frames;
  repair_entries_frame next{port_.line(), {}};
  std::size_t frame_bytes = entries_header_bytes;
  std::size_t all_bytes = 0;
  const auto flush = [&] {
    if (next.items.empty())
      return;
    counters_.entries_sent += next.items.size();
    frames.push_back(encode(next));
    all_bytes += frames.back().size();
    next.items.clear();
    frame_bytes = entries_header_bytes;
  };
  for (const auto& what : entries) {
    const auto bytes = packed_bytes(what);
    if (what.entry.empty())
      continue; // is no frame's matter
    if (frame_bytes + bytes > config_.frame_bytes_max)
      flush();
    const bool first = frames.empty() && next.items.empty();
    if (!first && all_bytes + frame_bytes + bytes > config_.entries_bytes_max) {
      more = true;
      break;
    }
    next.items.push_back({what.key, what.entry});
    frame_bytes += bytes;
  }
  flush();
  return frames;
}

} // namespace panal
