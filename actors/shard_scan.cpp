// A shard's part in digest repair: walks over its table, a part at a time.

#include "actors/shard_actor.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// What one comparison sends at most; the next round goes on with the rest.
constexpr std::size_t differing_bytes_max = std::size_t{4} << 20;
/// Walks that wait at most; peers ask again later.
constexpr std::size_t scans_max = 16;

bool same_place(const leaf_place& a, const leaf_place& b) noexcept {
  return a.leaf == b.leaf && a.key == b.key && a.entry == b.entry;
}

} // namespace

void shard_state::list(leaf_query_ptr query) {
  if (own.digests == nullptr || scans.size() >= scans_max)
    return;
  scans.push_back({leaf_scan{query->leaves, *own.digests, own.digest_secret},
                   std::move(query),
                   nullptr,
                   {},
                   {},
                   0});
  arrange_scan();
}

void shard_state::compare(leaf_comparison_ptr with) {
  if (own.digests == nullptr || scans.size() >= scans_max)
    return;
  scans.push_back({leaf_scan{with->leaves, *own.digests, own.digest_secret},
                   nullptr,
                   std::move(with),
                   {},
                   {},
                   0});
  arrange_scan();
}

void shard_state::arrange_scan() {
  if (scans.size() == 1)
    caf::anon_send(self, scan_atom_v);
}

void shard_state::scan_step() {
  if (scans.empty())
    return;
  auto& job = scans.front();
  const bool goes_on =
      job.walk.step(keys(), [&](std::string_view key, std::string_view encoded,
                                const leaf_place& place) {
        look_at(job, key, encoded, place);
      });
  if (!goes_on) {
    finish_scan(job);
    scans.pop_front();
  }
  hand_to_journal();
  if (!scans.empty())
    caf::anon_send(self, scan_atom_v);
}

void shard_state::look_at(scan& job, std::string_view key,
                          std::string_view encoded, const leaf_place& place) {
  if (job.query) {
    job.found.push_back(place);
    return;
  }
  const auto& theirs = job.comparison->theirs;
  const auto is_same = [&](const leaf_place& x) { return same_place(x, place); };
  if (std::ranges::any_of(theirs, is_same))
    return;
  if (job.differing_bytes > differing_bytes_max)
    return;
  job.differing_bytes += key.size() + encoded.size();
  job.differing.changes.push_back(
      {0, std::string{key}, std::string{encoded}, own_change});
}

void shard_state::finish_scan(scan& job) {
  if (job.query) {
    auto listing = std::make_shared<leaf_listing>();
    listing->token = job.query->token;
    listing->items = std::move(job.found);
    caf::anon_send(replicator, std::move(listing));
    return;
  }
  const auto& with = *job.comparison;
  // What the peer does not hold at all and its line covers is dead.
  std::erase_if(job.differing.changes, [&](const change& what) {
    const auto digest = key_digest(what.key, own.digest_secret);
    const auto low = static_cast<std::uint32_t>(digest);
    const bool held = std::ranges::any_of(
        with.theirs, [&](const leaf_place& x) { return x.key == low; });
    if (held)
      return false;
    keys().reconcile(what.key, {}, with.their_line, with.peer);
    return newest_stamp(what.entry).hlc <= with.their_line;
  });
  if (job.differing.changes.empty())
    return;
  auto differing = std::make_shared<repair_changes>(std::move(job.differing));
  differing->peer = with.peer;
  caf::anon_send(replicator, std::move(differing));
}

} // namespace panal
