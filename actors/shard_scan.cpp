// A shard's walks over its table, a part at a time.

#include "actors/shard_actor.hpp"

#include <utility>

namespace panal {

namespace {

/// Walks that wait at most; peers ask again later.
constexpr std::size_t walks_max = 16;

} // namespace

void shard_state::list(const leaf_query& query) {
  if (own.digests != nullptr && walks.size() < walks_max)
    walks.emplace_back(query.leaves, query.token, *own.digests,
                       own.digest_secret);
  arrange_walk();
}

void shard_state::compare(const leaf_comparison& with) {
  if (own.digests != nullptr && walks.size() < walks_max)
    walks.emplace_back(with, *own.digests, own.digest_secret);
  arrange_walk();
}

void shard_state::arrange_walk() {
  if (!walks.empty() && !std::exchange(walk_is_due, true))
    caf::anon_send(self, scan_atom_v);
}

void shard_state::walk_step() {
  walk_is_due = false;
  if (walks.empty())
    return;
  auto& walk = walks.front();
  if (!walk.step(keys())) {
    finish_walk(walk);
    walks.pop_front();
  }
  arrange_walk();
}

void shard_state::finish_walk(leaf_walk& walk) {
  if (!walk.is_comparison()) {
    auto listing = std::make_shared<leaf_listing>();
    listing->token = walk.token();
    listing->items = std::move(walk.listed());
    caf::anon_send(replicator, std::move(listing));
    return;
  }
  auto differing = std::make_shared<leaf_difference>();
  differing->token = walk.token();
  differing->entries = walk.settle(keys());
  differing->more = walk.found_more();
  hand_to_journal();
  caf::anon_send(replicator, std::move(differing));
}

} // namespace panal
