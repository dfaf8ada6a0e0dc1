#include "storage/memory_store.hpp"

#include "storage/origin.hpp"
#include "storage/sequence.hpp"

#include <algorithm>
#include <utility>

namespace panal {

result<std::unique_ptr<store>> memory_store::open(std::string_view node_name) {
  auto origin = draw_origin(node_name);
  if (!origin)
    return origin.error();
  return std::unique_ptr<store>{std::make_unique<memory_store>(*origin)};
}

result<void> memory_store::append_all(std::span<const change* const> changes,
                                      bool /*flush*/) {
  if (auto in_order = check_sequence(last_, changes); !in_order)
    return in_order;
  for (const auto* next : changes)
    journal_.push_back(*next);
  last_ += changes.size();
  return {};
}

result<fold_step> memory_store::fold(std::size_t changes_max) {
  fold_step done{std::min(changes_max, journal_.size())};
  for (std::size_t i = 0; i < done.folded; ++i) {
    apply(std::move(journal_.front()));
    journal_.pop_front();
  }
  return done;
}

void memory_store::apply(change&& folded) {
  if (auto old = places_.find(folded.key); old != places_.end()) {
    entries_.erase(old->second);
    places_.erase(old);
  }
  if (folded.entry.empty())
    return;
  folded.source = own_change;
  places_.emplace(folded.key, folded.at);
  auto at = folded.at;
  entries_.emplace(at, std::move(folded));
}

result<void> memory_store::load(const visitor& visit,
                                const damage_visitor& /*damage*/) {
  for (const auto& [at, row] : entries_)
    visit(row.key, row.entry, at);
  for (const auto& row : journal_)
    visit(row.key, row.entry, row.at);
  return {};
}

result<std::vector<change>> memory_store::read_after(position after,
                                                     read_limits limits) {
  std::vector<change> read;
  std::size_t bytes = 0;
  auto take = [&](const change& row) {
    bytes += row.key.size() + row.entry.size();
    if (read.size() == limits.changes_max
        || (!read.empty() && bytes > limits.bytes_max))
      return false;
    read.push_back(row);
    return true;
  };
  for (auto i = entries_.upper_bound(after); i != entries_.end(); ++i)
    if (!take(i->second))
      return read;
  auto tail = std::ranges::upper_bound(journal_, after, {}, &change::at);
  while (tail != journal_.end() && take(*tail))
    ++tail;
  return read;
}

result<void> memory_store::save_cursor(origin_id peer, position acknowledged) {
  cursors_[peer] = acknowledged;
  return {};
}

result<std::map<origin_id, position>> memory_store::cursors() {
  return cursors_;
}

result<void> memory_store::save_member(const member& who) {
  members_[who.origin] = who;
  return {};
}

result<void> memory_store::remove_member(origin_id who) {
  members_.erase(who);
  return {};
}

result<std::vector<member>> memory_store::members() {
  std::vector<member> all;
  for (const auto& [origin, who] : members_)
    all.push_back(who);
  return all;
}

result<void> memory_store::save_fact(fact which, std::uint64_t value) {
  facts_[which] = value;
  return {};
}

result<void> memory_store::save_facts(const fact_map& facts) {
  for (const auto& [which, value] : facts)
    facts_[which] = value;
  return {};
}

result<void> memory_store::add_run(const run_record& run, origin_id peer) {
  auto& known = runs_[peer];
  std::erase_if(known, [&](const auto& x) { return x.id == run.id; });
  known.push_back(run);
  if (known.size() > runs_max)
    known.erase(known.begin());
  return {};
}

result<void> memory_store::rebirth_from(origin_id fresh,
                                        std::span<const change> kept,
                                        const reissue_source& again,
                                        const fact_map& facts) {
  if (auto in_order = check_rebirth(fresh, kept); !in_order)
    return in_order;
  auto waiting = reissues_;
  const auto given = again([&](const reissue& write) {
    waiting.insert_or_assign(write.key, write.entry);
  });
  if (!given)
    return given;
  origin_ = fresh;
  last_ = kept.size();
  journal_.assign(kept.begin(), kept.end());
  entries_.clear();
  places_.clear();
  cursors_.clear();
  runs_.erase(own_change);
  facts_ = facts;
  reissues_ = std::move(waiting);
  return {};
}

result<std::vector<reissue>> memory_store::reissues(std::string_view after,
                                                    read_limits limits) {
  std::vector<reissue> first;
  std::size_t bytes = 0;
  for (auto i = reissues_.upper_bound(after); i != reissues_.end(); ++i) {
    const auto& [key, entry] = *i;
    bytes += key.size() + entry.size();
    if (first.size() == limits.changes_max
        || (!first.empty() && bytes > limits.bytes_max))
      break;
    first.push_back({key, entry});
  }
  return first;
}

result<std::string> memory_store::reissue_of(std::string_view key) {
  const auto found = reissues_.find(key);
  return found == reissues_.end() ? std::string{} : found->second;
}

result<void> memory_store::remove_reissue(std::string_view key) {
  if (auto found = reissues_.find(key); found != reissues_.end())
    reissues_.erase(found);
  return {};
}

} // namespace panal
