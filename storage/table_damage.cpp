// What a table does about keys that it cannot read: it holds some older state
// of them at best, so it refuses them, and stages nothing that would stand on
// disk as if it were their newest state.

#include "storage/checksum.hpp"
#include "storage/key_hash.hpp"
#include "storage/mutant.hpp"
#include "storage/table.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// Keys that are looked at under one lock.
constexpr std::size_t mend_keys_max = 64;

} // namespace

bool table::owns(std::string_view key) const noexcept {
  return shard_of(key_hash(key), config_.shards) == config_.shard;
}

bool table::is_unreadable(std::string_view key) const {
  return config_.unreadable != nullptr && config_.unreadable->any()
         && config_.unreadable->contains(key) && !mending_.contains(key)
         && !PANAL_MUTANT(unreadable_is_absent);
}

std::uint64_t table::stage_mended(std::string_view key, std::string encoded,
                                  origin_id source) {
  const auto number = stage(std::string{key}, std::move(encoded), source);
  if (config_.unreadable != nullptr && config_.unreadable->contains(key))
    mending_.insert_or_assign(std::string{key}, number);
  return number;
}

merge_outcome table::mend(std::string_view key, std::string_view encoded,
                          std::uint64_t their_line, origin_id source) {
  if (!is_unreadable(key))
    return reconcile(key, encoded, their_line, source);
  const auto theirs =
      encoded.empty() ? result<entry>{entry{}} : decode(encoded);
  if (!theirs)
    return {errc::corrupt, 0, false, false};
  const auto newest = newest_stamp(*theirs);
  if (time_.is_far_ahead(newest))
    return {errc::ok, 0, true, false};
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return {errc::overloaded, 0, false, false};
  time_.observe(newest);
  // The peer has merged all that this node ever had of the key: an older state
  // that can still be read is in there, or has died.
  const auto joined = merge({}, *theirs, cleared_);
  auto bytes = joined == entry{} ? std::string{} : encode(joined);
  const auto number = stage_mended(key, std::move(bytes), source);
  return {errc::ok, number, false, false};
}

void table::rewrite(std::string_view key) {
  if (is_unreadable(key) || overlay_.contains(key))
    return;
  const auto held = records_.find(key);
  stage(std::string{key}, std::string{held},
        held.empty() ? local_change : own_change);
}

void table::rewrite_summed(std::uint32_t sum) {
  std::vector<std::string> found;
  for (std::size_t part = 0; part < record_set::part_count; ++part)
    visit_part(part, [&](std::string_view key, std::string_view) {
      if (key_sum(key) == sum)
        found.emplace_back(key);
    });
  for (const auto& key : found)
    rewrite(key);
}

// What is durable now can be read again, here and after a restart.
void table::note_mended() {
  for (auto i = mending_.begin(); i != mending_.end();) {
    if (i->second > durable_number_) {
      ++i;
      continue;
    }
    config_.unreadable->mended(i->first);
    i = mending_.erase(i);
  }
}

// Nothing that stands on this disk was newer than a clear-all of its own.
void table::mend_cleared() {
  clear_mends_ = false;
  std::string last;
  for (;;) {
    const auto keys = config_.unreadable->after(last, mend_keys_max);
    if (keys.empty())
      break;
    last = keys.back().key;
    for (const auto& [key, at] : keys)
      if (owns(key) && is_unreadable(key))
        stage_mended(key, {}, local_change);
  }
  config_.unreadable->mended_sums();
}

} // namespace panal
