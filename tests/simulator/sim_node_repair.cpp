// Repair's way through the shards.

#include "storage/key_hash.hpp"
#include "tests/simulator/sim_node_parts.hpp"

#include <utility>

namespace panal::sim {

void sim_node::reconcile(repair_changes with) {
  auto shared = std::make_shared<repair_changes>(std::move(with));
  for (std::size_t index = 0; index < shards_.size(); ++index)
    post(replicator, first_shard + static_cast<unsigned>(index),
         [this, index, shared] {
           auto& own = shards_[index];
           for (const auto& what : shared->changes) {
             if (what.key != cleared_key
                 && shard_of(key_hash(what.key), shards_.size()) != index)
               continue;
             const auto out = own.keys->reconcile(
                 what.key, what.entry, shared->their_line, shared->peer);
             has_dropped_ = true;
             if (out.code != errc::ok || out.set_aside)
               continue;
             knowledge of;
             learn(of, what.entry);
             stage(index, out.after, of);
           }
           hand_to_journal(index);
         });
}

void sim_node::walk_on(std::size_t index, std::shared_ptr<leaf_walk> walk) {
  auto& own = shards_[index];
  while (walk->step(*own.keys)) {
    // nop: in a real shard each part is a message of its own
  }
  const auto token = walk->token();
  if (!walk->is_comparison()) {
    auto found = std::make_shared<std::vector<leaf_place>>(walk->listed());
    post(first_shard + static_cast<unsigned>(index), replicator,
         [this, token, found] {
           const auto i = gatherings_.find(token);
           if (i == gatherings_.end())
             return;
           auto& all = i->second;
           all.items.insert(all.items.end(), found->begin(), found->end());
           if (--all.left > 0)
             return;
           auto items = std::move(all.items);
           gatherings_.erase(i);
           core_->listed(token, std::move(items), now());
         });
    return;
  }
  auto found = std::make_shared<std::vector<change>>(walk->settle(*own.keys));
  const bool more = walk->found_more();
  has_dropped_ = true;
  hand_to_journal(index);
  post(first_shard + static_cast<unsigned>(index), replicator,
       [this, token, found, more] {
         const auto i = gatherings_.find(token);
         if (i == gatherings_.end())
           return;
         auto& all = i->second;
         for (auto& what : *found)
           all.entries.push_back(what);
         all.more = all.more || more;
         if (--all.left > 0)
           return;
         auto whole = std::move(all);
         gatherings_.erase(i);
         core_->compared(token, std::move(whole.entries), whole.more, now());
       });
}

void sim_node::list(std::uint64_t token, std::vector<std::uint32_t> leaves) {
  gatherings_[token].left = shards_.size();
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(replicator, first_shard + static_cast<unsigned>(i),
         [this, i,
          walk = std::make_shared<leaf_walk>(
              leaves, token, digests_, digest_secret)] { walk_on(i, walk); });
}

void sim_node::compare(leaf_comparison with) {
  gatherings_[with.token].left = shards_.size();
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(replicator, first_shard + static_cast<unsigned>(i),
         [this, i,
          walk = std::make_shared<leaf_walk>(with, digests_, digest_secret)] {
           walk_on(i, walk);
         });
}

} // namespace panal::sim
