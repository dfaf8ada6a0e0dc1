#include "cluster/rejoin.hpp"

#include "storage/checksum.hpp"
#include "storage/mutant.hpp"
#include "storage/newest_rows.hpp"
#include "storage/table.hpp"

#include <algorithm>
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

rejoin_plan plan_for(std::string_view reason, std::uint64_t seen_hlc,
                     std::uint64_t unmet_hlc, position seen_position = 0) {
  rejoin_plan plan;
  plan.reason = reason;
  plan.seen_hlc = seen_hlc;
  plan.unmet_hlc = unmet_hlc;
  plan.seen_position = seen_position;
  return plan;
}

/// Of a peer of the same cluster: whether the node's directory is the one that
/// the peer has met.
std::optional<rejoin_plan> judge_runs(const standing& own,
                                      const peer_memory& peer) {
  if (peer.runs.empty() || PANAL_MUTANT(restored_not_fenced))
    return std::nullopt;
  // The newest run that both know, and where this node's next one begins.
  auto common = peer.runs.size();
  while (common > 0
         && index_of(own.runs, peer.runs[common - 1].id) == own.runs.size())
    --common;
  if (common == 0)
    return plan_for("the members know another life of it", peer.seen_hlc,
                    own.runs.empty() ? 0 : own.runs.front().started_hlc);
  const auto& met = peer.runs[common - 1];
  const auto next = index_of(own.runs, met.id) + 1;
  const auto end = next < own.runs.size() ? own.runs[next].reached : own.last;
  if (common == peer.runs.size() && met.reached <= end)
    return std::nullopt;
  // The present run is known, and a later one too: that is another process of
  // this identity, whose marks say nothing of this one's writes.
  if (met.id == own.runs.back().id)
    return plan_for("another process has taken its identity over", 0,
                    ~std::uint64_t{0}, met.reached);
  return plan_for("its data directory is an old one", peer.seen_hlc,
                  begun_after(own.runs, met.id));
}

/// Whether the state of a node may join an older cluster's as it is: it holds
/// nothing, or no line was drawn there without it.
bool may_adopt(const standing& own, const peer_memory& peer) {
  if (own.is_bound)
    return false;
  return !own.has_data || (peer.founder && !peer.runs.empty())
         || PANAL_MUTANT(newcomer_not_fenced);
}

rejoin_plan plan_of_another_cluster(const standing& own,
                                    const peer_memory& peer) {
  rejoin_plan plan;
  plan.reason = own.identity ? "a cluster that was born earlier is there"
                             : "the cluster was there before it joined";
  plan.keeps_all = true;
  plan.restamp_upto = std::max<std::uint64_t>(1, peer.ceiling);
  plan.identity = peer.identity;
  return plan;
}

/// Whether the node's cluster gives way to the peer's.
bool gives_way(const cluster_identity& own, const cluster_identity& theirs) {
  if (!own || !theirs)
    return bool{theirs};
  return PANAL_MUTANT(older_cluster_rejoins) ? own < theirs : theirs < own;
}

} // namespace

judgement judge(const standing& own, const peer_memory& peer) {
  using enum verdict_on_peer;
  const bool differs =
      own.identity != peer.identity && !PANAL_MUTANT(identities_not_compared);
  const bool adopting = differs && gives_way(own.identity, peer.identity);
  if (differs && !adopting)
    return {waits, {}};
  if (adopting && !may_adopt(own, peer))
    return {rejoins, plan_of_another_cluster(own, peer)};
  if (auto plan = judge_runs(own, peer)) {
    plan->identity = adopting ? peer.identity : own.identity;
    return {rejoins, *plan};
  }
  return {adopting ? adopts : joins, {}};
}

rejoin_plan forgotten_plan(const standing& own, std::uint64_t seen_hlc,
                           std::uint64_t met_run) {
  auto plan = plan_for("the members have forgotten it", seen_hlc,
                       begun_after(own.runs, met_run));
  plan.identity = own.identity;
  return plan;
}

rejoin_plan copied_plan(const standing& own, position acknowledged,
                        std::uint64_t line) {
  auto plan = plan_for("another process runs under its identity", line,
                       ~std::uint64_t{0}, acknowledged);
  plan.forget_former = false;
  plan.identity = own.identity;
  return plan;
}

rejoin_plan damaged_plan(std::uint64_t seen_hlc,
                         const cluster_identity& theirs) {
  auto plan = plan_for("its disk is damaged", seen_hlc, ~std::uint64_t{0});
  plan.identity = theirs;
  return plan;
}

std::optional<entry> unseen(const entry& state, position place,
                            origin_id origin, const rejoin_plan& plan) {
  if (plan.keeps_all && !PANAL_MUTANT(rejoin_drops_thirds))
    return state == entry{} ? std::nullopt : std::optional{state};
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

namespace {

/// The first look through a data set that is about to go.
struct first_look {
  newest_rows newest;
  /// The clear-all, which stands for itself: its stamp says what it covers.
  std::vector<change> kept;
};

result<first_look> look_through(store& disk) {
  first_look found{newest_rows{disk}, {}};
  const auto read = disk.load(
      [&](std::string_view key, std::string_view entry, position at) {
        found.newest.note(key, at);
        if (key == cleared_key && decode(entry))
          found.kept.assign(
              1, {1, std::string{key}, std::string{entry}, own_change});
      },
      // What stood there before may have been deleted by what is lost.
      [&](const damaged_row& row) { found.newest.note_damaged(row); });
  if (!read)
    return read.error();
  return found;
}

/// An entry of the data set that goes, on its way to what waits to be issued.
class keeper {
public:
  keeper(store& disk, const rejoin_plan& plan, bool others_wait)
      : disk_{disk}, plan_{plan}, others_wait_{others_wait} {}

  /// What is to be issued anew of it; nothing if that is nothing.
  result<std::optional<reissue>>
  take(std::string_view key, std::string_view encoded, position at) const;

private:
  store& disk_;
  const rejoin_plan& plan_;
  /// An earlier rejoin has not come to its end.
  bool others_wait_;
};

result<std::optional<reissue>> keeper::take(std::string_view key,
                                            std::string_view encoded,
                                            position at) const {
  const auto state = encoded.empty() ? result<entry>{entry{}} : decode(encoded);
  if (!state)
    return std::optional<reissue>{};
  auto left = unseen(*state, at, disk_.origin(), plan_);
  if (!left)
    return std::optional<reissue>{};
  if (others_wait_) {
    const auto waiting = disk_.reissue_of(key);
    if (!waiting)
      return waiting.error();
    const auto older =
        waiting->empty() ? result<entry>{entry{}} : decode(*waiting);
    if (!older)
      return older.error();
    left = merge(*older, *left);
  }
  return std::optional{reissue{std::string{key}, encode(*left)}};
}

member former_self(store& disk, const rejoin_plan& plan, member self) {
  self.origin = disk.origin();
  self.forgotten =
      plan.forget_former ? std::max<std::uint64_t>(1, plan.seen_hlc) : 0;
  if (!plan.forget_former)
    self.address.clear(); // not this node's any more
  return self;
}

} // namespace

result<void> rejoin(store& disk, const rejoin_plan& plan, origin_id fresh,
                    const member& self) {
  const auto seen = look_through(disk);
  if (!seen)
    return seen.error();
  const auto waiting = disk.reissues({}, {1, 1});
  if (!waiting)
    return waiting.error();
  if (auto saved = disk.save_member(former_self(disk, plan, self)); !saved)
    return saved;
  const keeper kept{disk, plan, !waiting->empty()};
  const auto give = [&](const reissue_sink& add) {
    result<void> broken;
    const auto read = disk.load(
        [&](std::string_view key, std::string_view entry, position at) {
          if (!broken || key == cleared_key || !seen->newest.is_newest(key, at))
            return;
          const auto left = kept.take(key, entry, at);
          if (!left)
            broken = left.error();
          else if (*left)
            add(**left);
        });
    return broken ? read : broken;
  };
  return disk.rebirth_from(fresh, seen->kept, give,
                           {{fact::rejoining, 1},
                            {fact::restamp_upto, plan.restamp_upto},
                            {fact::cluster_born, plan.identity.born},
                            {fact::cluster_id, plan.identity.id}});
}

} // namespace panal
