#include "cluster/leaf_walk.hpp"

#include "storage/mutant.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace panal {

leaf_walk::leaf_walk(std::vector<std::uint32_t> leaves, std::uint64_t token,
                     const digest_tree& digests, std::uint64_t secret)
    : scan_{std::move(leaves), digests, secret},
      token_{token},
      secret_{secret} {
  // nop
}

leaf_walk::leaf_walk(leaf_comparison with, const digest_tree& digests,
                     std::uint64_t secret)
    : scan_{with.leaves, digests, secret},
      token_{with.token},
      with_{std::move(with)},
      secret_{secret} {
  // nop
}

bool leaf_walk::step(const table& keys) {
  if (with_ && !with_->keys.empty())
    return false; // settle() looks them up
  return scan_.step(
      keys, [this](std::string_view key, std::string_view encoded,
                   const leaf_place& place) { look_at(key, encoded, place); });
}

void leaf_walk::look_at(std::string_view key, std::string_view encoded,
                        const leaf_place& place) {
  if (!with_) {
    if (place.entry != 0)
      listed_.push_back(place);
    return;
  }
  // A deleted key stands in no list, but the peer has to hear of the delete if
  // it holds the key.
  const bool they_hold_it = std::ranges::any_of(
      with_->theirs, [&](const auto& x) { return x.key == place.key; });
  if (place.entry == 0
      && (!they_hold_it || PANAL_MUTANT(repair_hides_tombstones)))
    return;
  const auto is_same = [&](const leaf_place& x) {
    return x.leaf == place.leaf && x.key == place.key && x.entry == place.entry;
  };
  if (std::ranges::any_of(with_->theirs, is_same))
    return;
  differing_bytes_ += key.size() + encoded.size();
  if (differing_bytes_ > with_->bytes_max && !differing_.empty()) {
    found_more_ = true;
    return;
  }
  differing_.push_back({0, std::string{key}, std::string{encoded}, own_change});
}

/// What the table holds of the keys that a peer has asked for.
std::vector<change> leaf_walk::look_up(const table& keys) const {
  std::vector<change> found;
  for (const auto& key : with_->keys)
    if (keys.owns(key) && !keys.is_unreadable(key))
      found.push_back(
          {0, key, std::string{keys.durable_entry(key)}, own_change});
  return found;
}

std::vector<change> leaf_walk::settle(table& keys) {
  if (!with_->keys.empty())
    return look_up(keys);
  const auto is_dead = [&](const change& what) {
    const auto low = static_cast<std::uint32_t>(key_digest(what.key, secret_));
    if (std::ranges::any_of(with_->theirs,
                            [&](const auto& x) { return x.key == low; }))
      return false;
    // The peer does not hold the key at all.
    keys.reconcile(what.key, {}, with_->their_line, with_->peer);
    return newest_stamp(what.entry).hlc <= with_->their_line;
  };
  std::erase_if(differing_, is_dead);
  // The difference may be that the peer has not heard of a clear-all.
  if (keys.cleared() != stamp{}) {
    entry floor;
    floor.floor = keys.cleared();
    differing_.push_back(
        {0, std::string{cleared_key}, encode(floor), own_change});
  }
  return std::move(differing_);
}

} // namespace panal
