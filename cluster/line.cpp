#include "cluster/line.hpp"

#include "storage/mutant.hpp"

#include <algorithm>

namespace panal {

namespace {

/// Marks of one member that wait at most: while the first is awaited, only the
/// newest of the later ones matters.
constexpr std::size_t waiting_max = 2;

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) noexcept {
  // splitmix64 (Vigna, 2015), over the running hash and the next value.
  hash += value + 0x9e3779b97f4a7c15U;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9U;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebU;
  return hash ^ (hash >> 31);
}

void raise(merged_row& row, origin_id origin, std::uint64_t hlc) {
  auto& at = row[origin];
  at = std::max(at, hlc);
}

std::uint64_t find(const merged_row& row, origin_id origin) noexcept {
  const auto i = row.find(origin);
  return i == row.end() ? 0 : i->second;
}

} // namespace

line_keeper::line_keeper(origin_id self) : self_{self} {
  set_members({self});
}

void line_keeper::set_members(std::vector<origin_id> members) {
  std::ranges::sort(members);
  if (members == members_)
    return;
  members_ = std::move(members);
  view_ = 0;
  for (const auto origin : members_)
    view_ = mix(view_, origin);
  own_.clear();
  claims_.clear();
  std::erase_if(seen_, [this](const auto& told) {
    return told.first != self_
           && !std::ranges::binary_search(members_, told.first);
  });
}

void line_keeper::promised(std::uint64_t hlc) {
  raise(own_, self_, hlc);
}

void line_keeper::mark_came(origin_id from, const mark& claim) {
  if (claim.view != view_)
    return;
  auto& of = claims_[from];
  for (const auto& [origin, hlc] : claim.row) {
    raise(of.row, origin, hlc);
    // What it says of itself, nobody else has merged yet.
    if (origin != from)
      raise(seen_[from], origin, hlc);
  }
  if (of.waiting.size() == waiting_max)
    of.waiting.pop_back();
  of.waiting.push_back(claim);
  absorb(of);
}

void line_keeper::merged(origin_id from, position upto) {
  auto& of = claims_[from];
  of.merged = upto;
  absorb(of);
}

void line_keeper::absorb(claim_of& of) {
  while (!of.waiting.empty() && of.waiting.front().at <= of.merged) {
    for (const auto& [origin, hlc] : of.waiting.front().row) {
      raise(own_, origin, hlc);
      raise(seen_[self_], origin, hlc);
    }
    of.waiting.pop_front();
  }
}

merged_row line_keeper::row() const {
  merged_row told;
  for (const auto origin : members_)
    if (const auto hlc = find(own_, origin); hlc != 0)
      told[origin] = hlc;
  return told;
}

std::uint64_t line_keeper::least() const noexcept {
  if (members_.size() < 2)
    return 0;
  auto least = ~std::uint64_t{0};
  for (const auto member : members_) {
    const auto claim = claims_.find(member);
    if (member != self_ && PANAL_MUTANT(line_of_own_row_alone))
      continue;
    if (member != self_ && claim == claims_.end())
      return 0;
    const auto& row = member == self_ ? own_ : claim->second.row;
    for (const auto origin : members_)
      least = std::min(least, find(row, origin));
  }
  return least;
}

line_block line_keeper::blocked_by() const noexcept {
  line_block worst;
  auto least = ~std::uint64_t{0};
  for (const auto member : members_) {
    const auto claim = claims_.find(member);
    if (member != self_
        && (claim == claims_.end() || claim->second.row.empty()))
      return {member, "it has not told what it has merged"};
    const auto& row = member == self_ ? own_ : claim->second.row;
    for (const auto origin : members_) {
      if (const auto hlc = find(row, origin); hlc < least) {
        least = hlc;
        worst = member == self_
                    ? line_block{origin, "this node has not merged its changes"}
                    : line_block{member, "it has not merged all changes"};
      }
    }
  }
  return worst;
}

std::uint64_t line_keeper::seen_of(origin_id origin) const noexcept {
  auto seen = find(own_, origin);
  for (const auto& [who, row] : seen_)
    seen = std::max(seen, find(row, origin));
  return seen;
}

} // namespace panal
