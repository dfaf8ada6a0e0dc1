#include "cluster/rejoin.hpp"

#include "storage/checksum.hpp"
#include "storage/mutant.hpp"
#include "storage/table.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace panal {

namespace {

/// The index of the run with this id among `runs`; its size if there is none.
std::size_t index_of(const std::vector<run_record>& runs, std::uint64_t id) {
  const auto i = std::ranges::find(runs, id, &run_record::id);
  return static_cast<std::size_t>(i - runs.begin());
}

/// From when on the node's writes were made after the run `id`; if that is
/// unknown, in its whole life.
std::uint64_t begun_after(const std::vector<run_record>& runs,
                          std::uint64_t id) {
  const auto next = index_of(runs, id) + 1;
  if (next > runs.size())
    return 0;
  return next == runs.size() ? ~std::uint64_t{0} : runs[next].started_hlc;
}

} // namespace

std::optional<rejoin_plan> judge(const standing& own, const peer_memory& peer) {
  // A peer that remembers a run of it has joined states with it before.
  if (!own.settled && own.has_data && peer.sealed && peer.runs.empty()
      && !PANAL_MUTANT(newcomer_not_fenced))
    return rejoin_plan{"the cluster's line may be above its writes",
                       peer.seen_hlc, ~std::uint64_t{0}, 0, true};
  if (peer.runs.empty() || PANAL_MUTANT(restored_not_fenced))
    return std::nullopt;
  // The newest run that both know, and where this node's next one begins.
  auto common = peer.runs.size();
  while (common > 0
         && index_of(own.runs, peer.runs[common - 1].id) == own.runs.size())
    --common;
  if (common == 0)
    return rejoin_plan{"the members know another life of it", peer.seen_hlc,
                       own.runs.empty() ? 0 : own.runs.front().started_hlc, 0,
                       true};
  const auto& met = peer.runs[common - 1];
  const auto next = index_of(own.runs, met.id) + 1;
  const auto end = next < own.runs.size() ? own.runs[next].reached : own.last;
  if (common == peer.runs.size() && met.reached <= end)
    return std::nullopt;
  // The present run is known, and a later one too: that is another process of
  // this identity, whose marks say nothing of this one's writes.
  if (met.id == own.runs.back().id)
    return rejoin_plan{"another process has taken its identity over", 0,
                       ~std::uint64_t{0}, met.reached, true};
  return rejoin_plan{"its data directory is an old one", peer.seen_hlc,
                     begun_after(own.runs, met.id), 0, true};
}

rejoin_plan forgotten_plan(const standing& own, std::uint64_t seen_hlc,
                           std::uint64_t met_run) {
  return {"the members have forgotten it", seen_hlc,
          begun_after(own.runs, met_run), 0, true};
}

rejoin_plan copied_plan(position acknowledged, std::uint64_t line) {
  return {"another process runs under its identity", line, ~std::uint64_t{0},
          acknowledged, false};
}

rejoin_plan damaged_plan(std::uint64_t seen_hlc) {
  return {"its disk is damaged", seen_hlc, ~std::uint64_t{0}, 0, true};
}

std::optional<entry> unseen(const entry& state, position place,
                            origin_id origin, const rejoin_plan& plan) {
  if (plan.seen_position != 0 && place <= plan.seen_position)
    return std::nullopt;
  const auto is_unseen = [&](const stamp& at) {
    return at.origin == origin
           && (at.hlc > plan.seen_hlc || at.hlc >= plan.unmet_hlc);
  };
  entry left;
  if (is_unseen(state.floor))
    left.floor = state.floor;
  for (const auto& put : state.frontier)
    if (is_unseen(put.at))
      left.frontier.push_back(put);
  if (PANAL_MUTANT(rejoin_drops_own_writes) || left == entry{})
    return std::nullopt;
  return left;
}

result<void> rejoin(store& disk, const rejoin_plan& plan, origin_id fresh,
                    const member& self) {
  std::map<std::string, std::pair<std::string, position>, std::less<>> entries;
  const auto read = disk.load(
      [&](std::string_view key, std::string_view entry, position at) {
        entries.insert_or_assign(std::string{key},
                                 std::pair{std::string{entry}, at});
      },
      // What stood there before may have been deleted by what is lost.
      [&](const damaged_row& row) {
        if (row.what != damaged::entry && row.what != damaged::key)
          return;
        std::erase_if(entries, [&](const auto& each) {
          return each.first == row.key
                 || (row.what == damaged::key
                     && key_sum(each.first) == row.key_sum);
        });
      });
  if (!read)
    return read;
  std::vector<reissue> again;
  std::vector<change> kept;
  for (auto& [key, row] : entries) {
    const auto& [encoded, at] = row;
    const auto state =
        encoded.empty() ? result<entry>{entry{}} : decode(encoded);
    if (!state)
      continue;
    // A clear-all stands for itself: its stamp says what it covers.
    if (key == cleared_key) {
      kept.push_back({1, key, encoded, own_change});
      continue;
    }
    if (const auto left = unseen(*state, at, disk.origin(), plan))
      again.push_back({key, encode(*left)});
  }
  auto former = self;
  former.origin = disk.origin();
  former.forgotten =
      plan.forget_former ? std::max<std::uint64_t>(1, plan.seen_hlc) : 0;
  if (!plan.forget_former)
    former.address.clear(); // not this node's any more
  if (auto saved = disk.save_member(former); !saved)
    return saved;
  return disk.rebirth(fresh, kept, again, {{fact::rejoining, 1}});
}

} // namespace panal
