// How a table takes in what peers tell it, and what an earlier incarnation of
// its own has left.

#include "storage/mutant.hpp"
#include "storage/table.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

bool holds(const entry& state, const stamp& at) noexcept {
  return std::ranges::any_of(state.frontier,
                             [&](const put_record& p) { return p.at == at; });
}

/// Drops from `state` the puts at or below `line` that the one who has merged
/// everything up to that line does not hold. @return the newest of them.
stamp drop_dead(entry& state, const entry& knows, std::uint64_t line) {
  stamp newest;
  std::erase_if(state.frontier, [&](const put_record& p) {
    const bool dead = p.at.hlc <= line && !holds(knows, p.at);
    if (dead)
      newest = std::max(newest, p.at);
    return dead;
  });
  return newest;
}

/// The puts that no other dominates, after some have gone.
entry normal(const entry& state) {
  return merge(state, {});
}

operation removal_of(std::string_view key) {
  operation op;
  op.what = verb::remove;
  op.key = key;
  return op;
}

entry decoded(std::string_view encoded) {
  return encoded.empty() ? entry{} : *decode(encoded);
}

} // namespace

// The peer takes an acknowledgement for durable and moves its cursor, so what
// this rests on is named at every durability level.
merge_outcome table::merge_remote(std::string_view key,
                                  std::string_view encoded, origin_id source) {
  const auto now = current(key);
  if (!encoded.empty() && now.encoded == encoded && !is_unreadable(key))
    return {errc::ok, now.number, false, false};
  auto theirs = decode(encoded);
  if (!theirs)
    return {errc::corrupt, 0, false, false};
  // Merged into less than what the key holds, it would pass for all of it. The
  // peer sends it again.
  if (is_unreadable(key) && !PANAL_MUTANT(unreadable_merged))
    return {errc::unreadable, 0, false, false};
  const auto newest = newest_stamp(*theirs);
  if (time_.is_far_ahead(newest))
    return {errc::ok, 0, true, false};
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return {errc::overloaded, 0, false, false};
  if (!PANAL_MUTANT(merge_does_not_observe))
    time_.observe(newest);
  if (key == cleared_key)
    return merge_clear(*theirs, source);
  auto ours = decoded(now.encoded);
  bool below_line = false;
  if (!PANAL_MUTANT(below_line_accepted)) {
    // Everything at or below the line was merged here before: what is not
    // known any more was deleted, and this is a late copy.
    if (theirs->floor.hlc <= line_)
      theirs->floor = {};
    below_line = drop_dead(*theirs, ours, line_) != stamp{};
  }
  auto out = join(key, now, ours, ours, *theirs, source);
  out.below_line = below_line;
  return out;
}

merge_outcome table::merge_clear(const entry& theirs, origin_id source) {
  time_.observe(theirs.floor);
  if (theirs.floor <= std::max(staged_clear_, cleared_)) {
    const bool rests = clear_number_ > durable_number_;
    return {errc::ok, rests ? clear_number_ : 0, false, false};
  }
  return {errc::ok, stage_clear(theirs.floor, source), false, false};
}

/// Stages the join of `ours` and `theirs`, if it differs from what stood
/// `before`.
merge_outcome table::join(std::string_view key, const view& now,
                          const entry& ours, const entry& before,
                          const entry& theirs, origin_id source) {
  auto joined = merge(ours, theirs,
                      PANAL_MUTANT(merge_ignores_clear) ? stamp{} : cleared_);
  // A delete that a clear-all covers says nothing more. Kept, it would go
  // round: one node purges it, and another tells it of it again.
  if (joined.floor <= cleared_)
    joined.floor = {};
  if (joined == before)
    return {errc::ok, now.number, false, false};
  auto encoded = joined == entry{} ? std::string{} : encode(joined);
  const auto number = stage(std::string{key}, std::move(encoded), source);
  return {errc::ok, number, false, false};
}

merge_outcome table::reconcile(std::string_view key, std::string_view encoded,
                               std::uint64_t their_line, origin_id source) {
  auto theirs = encoded.empty() ? result<entry>{entry{}} : decode(encoded);
  if (!theirs)
    return {errc::corrupt, 0, false, false};
  if (is_unreadable(key))
    return {errc::unreadable, 0, false, false};
  if (time_.is_far_ahead(newest_stamp(*theirs)))
    return {errc::ok, 0, true, false};
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return {errc::overloaded, 0, false, false};
  if (key == cleared_key)
    return merge_clear(*theirs, source);
  const auto now = current(key);
  const auto before = decoded(now.encoded);
  auto ours = before;
  const auto dead =
      drop_dead(ours, *theirs,
                PANAL_MUTANT(repair_drops_above_the_line) ? ~std::uint64_t{0}
                                                          : their_line);
  if (theirs->floor.hlc <= line_)
    theirs->floor = {};
  drop_dead(*theirs, before, line_);
  ours = normal(ours);
  time_.observe(newest_stamp(*theirs));
  // Where all has gone, a floor stands against late copies until this node's
  // own line has come so far.
  if (ours.frontier.empty() && theirs->frontier.empty())
    ours.floor = std::max(ours.floor, dead);
  const bool learnt = merge(before, *theirs, cleared_) != before;
  return join(key, now, ours, before, *theirs, learnt ? source : local_change);
}

// The oldest put first: issued in this order, each finds before it what it has
// found before. None may come to be above what was stamped after it, but where
// that cannot be helped: a put below a line is refused by those who drew it.
std::vector<left_part> table::parts_of(const entry& left,
                                       std::uint64_t restamp_upto) const {
  const auto all = ~std::uint64_t{0};
  const auto upto = restamp_upto == 0 || PANAL_MUTANT(rejoin_restamps_all)
                        ? all
                        : std::max(restamp_upto, line_);
  left_part kept{{}, true};
  std::vector<left_part> parts(1);
  if (left.floor.hlc > upto)
    kept.state.floor = left.floor;
  else
    parts.front().state.floor = left.floor;
  for (const auto& put : left.frontier) {
    if (put.at.hlc > upto) {
      kept.state.frontier.push_back(put);
      continue;
    }
    if (!parts.back().state.frontier.empty())
      parts.emplace_back();
    parts.back().state.frontier.push_back(put);
  }
  if (parts.front().state == entry{})
    parts.clear();
  if (kept.state != entry{})
    parts.insert(parts.begin(), std::move(kept));
  return parts;
}

outcome table::keep(std::string_view key, const entry& held) {
  const auto now = current(key);
  const auto before = decoded(now.encoded);
  time_.observe(newest_stamp(held));
  outcome out;
  out.after = join(key, now, before, before, held, own_change).after;
  return out;
}

outcome table::reissue(std::string_view key, const entry& old) {
  outcome out;
  out.reply.code = errc::not_found;
  if (is_unreadable(key)) {
    out.reply.code = errc::overloaded; // to be tried again
    return out;
  }
  // Above the line the old delete stands for itself, also against puts that
  // have not been heard of yet.
  if (old.floor.hlc > line_) {
    const auto now = current(key);
    const auto before = decoded(now.encoded);
    entry floor;
    floor.floor = old.floor;
    out.after = join(key, now, before, before, floor, own_change).after;
  }
  const auto state = decoded(current(key).encoded);
  const bool all_before = std::ranges::all_of(
      state.frontier, [&](const auto& p) { return p.at < old.floor; });
  auto removal = removal_of(key);
  if (old.floor != stamp{} && !state.frontier.empty() && all_before)
    out = remove(removal, current(key));
  if (old.frontier.empty())
    return out;
  const auto& put = old.frontier.front();
  if (state.floor >= put.at || cleared_ >= put.at)
    return out;
  return put.stripped || time_.now() >= put.expires_at
             ? reissue_expired(key, put, std::move(out))
             : reissue_alive(key, put);
}

/// @param out  of the delete that came with it.
outcome table::reissue_expired(std::string_view key, const put_record& put,
                               outcome out) {
  const auto now = current(key);
  const auto state = decoded(now.encoded);
  // What it has superseded must not show again, nor does what its expiry has
  // hidden. Above the line it stands for itself, and hides that.
  if (put.at.hlc > line_) {
    entry gone;
    gone.frontier.push_back(put);
    gone.frontier.back().stripped = true;
    gone.frontier.back().value.clear();
    out.after = join(key, now, state, state, gone, own_change).after;
    out.reply.code = errc::expired;
    return out;
  }
  const auto is_hidden = [&](const put_record& held) {
    return dominates(put, held)
           || (held.version <= put.version
               && held.at.hlc < expiry_hlc(put.expires_at));
  };
  auto removal = removal_of(key);
  if (!state.frontier.empty() && std::ranges::all_of(state.frontier, is_hidden))
    return remove(removal, now);
  out.reply.code = errc::expired;
  return out;
}

outcome table::reissue_alive(std::string_view key, const put_record& put) {
  const auto now = current(key);
  const auto seen = winner(now.encoded, time_.now());
  // Below the line it may be dead elsewhere though it has come back from where
  // it was told: a copy of this node may have promised to write nothing there.
  const bool came_back = seen.at == put.at;
  const bool stands = !came_back || put.at.hlc > line_;
  if (seen.state == presence::present && put.version <= seen.version
      && stands) {
    outcome out;
    out.reply.code = came_back ? errc::ok : errc::stale_version;
    out.after = now.number;
    return out;
  }
  return accept(std::string{key}, put, now, {});
}

} // namespace panal
