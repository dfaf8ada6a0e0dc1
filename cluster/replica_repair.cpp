#include "cluster/replica_repair.hpp"

#include "cluster/replica.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace panal {

namespace {

/// Lists whose answers are waited for; what is older is not any more.
constexpr std::size_t lists_max = 64;

} // namespace

repair_link::repair_link(replica_port& port, const digest_tree& digests,
                         sender send)
    : port_{port}, digests_{digests}, send_{std::move(send)} {
  // nop
}

unsigned repair_link::bits() const {
  return static_cast<unsigned>(std::countr_zero(digests_.fan_out()));
}

std::uint64_t repair_link::root() const {
  return digests_.root();
}

std::vector<std::uint64_t> repair_link::children(unsigned level,
                                                 std::uint32_t node) const {
  return digests_.children(level, node);
}

// Below a peer's line all that this node holds is merged there, if this node
// has marked so far. Nothing is dropped on the peer's word alone.
std::uint64_t repair_link::proven(std::uint64_t their_line) const noexcept {
  return PANAL_MUTANT(lying_line_believed) ? their_line
                                           : std::min(their_line, mark_);
}

void repair_link::send(origin_id peer, std::string bytes) {
  send_(peer, std::move(bytes));
}

void repair_link::list(std::uint64_t token,
                       const std::vector<std::uint32_t>& leaves) {
  lists_[token] = leaves;
  if (lists_.size() > lists_max)
    lists_.erase(lists_.begin());
  port_.list(token, leaves);
}

void repair_link::reconcile(std::uint64_t token, origin_id peer,
                            std::uint64_t their_line,
                            std::vector<repair_leaf> theirs,
                            std::size_t bytes_max) {
  leaf_comparison with;
  with.token = token;
  with.peer = peer;
  with.their_line = proven(their_line);
  with.bytes_max = bytes_max;
  for (const auto& leaf : theirs) {
    with.leaves.push_back(leaf.leaf);
    for (const auto& item : leaf.items)
      with.theirs.push_back({leaf.leaf, item.key, item.entry});
  }
  port_.compare(std::move(with));
}

void repair_link::merge(origin_id peer, const repair_entries_frame& said) {
  repair_changes with;
  with.peer = peer;
  with.their_line = proven(said.line);
  for (const auto& item : said.items) {
    with.changes.push_back(
        {0, std::string{item.key}, std::string{item.entry}, peer});
    // The cleared floor goes along each time.
    if (item.key != cleared_key)
      ++keys_taken_;
  }
  port_.reconcile(std::move(with));
}

std::vector<repair_leaf>
repair_link::by_leaf(std::uint64_t token,
                     const std::vector<leaf_place>& items) const {
  std::vector<repair_leaf> leaves;
  const auto asked = lists_.find(token);
  if (asked == lists_.end())
    return leaves;
  for (const auto leaf : asked->second) {
    auto& of = leaves.emplace_back();
    of.leaf = leaf;
    for (const auto& item : items)
      if (item.leaf == leaf)
        of.items.push_back({item.key, item.entry});
  }
  return leaves;
}

// -- the replica's side
// --------------------------------------------------------

void replica::listed(std::uint64_t token, std::vector<leaf_place> items,
                     moment now) {
  now_ = now.steady;
  repair_.listed(token, repair_link_->by_leaf(token, items), now.steady);
}

void replica::compared(std::uint64_t token, std::vector<change> differing,
                       bool more, moment now) {
  now_ = now.steady;
  if (mending_.looked_up(token, differing, told_line()))
    return;
  std::vector<repair_entry> entries;
  for (auto& what : differing)
    entries.push_back({std::move(what.key), std::move(what.entry)});
  repair_.reconciled(token, entries, more, now.steady);
}

// What is large and on its way would only be found to differ.
std::vector<origin_id> replica::comparable_peers() const {
  std::vector<origin_id> found;
  for (const auto& [who, to] : peers_)
    if (to.open() && !to.out.has_deferred() && to.in.deferred() == 0
        && !to.queue.holds_repair() && !streams_.is_receiving(who))
      found.push_back(who);
  return found;
}

} // namespace panal
