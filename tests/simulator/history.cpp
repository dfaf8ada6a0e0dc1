#include "tests/simulator/history.hpp"

#include "storage/entry.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

namespace {

/// Stamps are names: their parts are mixed, never compared.
std::uint64_t name_key(const stamp& name) noexcept {
  return name.hlc * 0x9e3779b97f4a7c15U ^ name.origin;
}

template <class Visitor>
void for_each(const op_set& set, Visitor visit) {
  for (auto op = set._Find_first(); op < set.size(); op = set._Find_next(op))
    visit(op);
}

bool are_concurrent(const history& all, op_id a, op_id b) {
  return a != b && !all[a].past[b] && !all[b].past[a];
}

} // namespace

history::history() : about_(keys_max + 1) {
  all_.reserve(operations_max);
}

std::optional<op_id> history::add(accepted what) {
  const auto op = all_.size();
  if (!names_.emplace(name_key(what.name), op).second)
    return std::nullopt;
  for (unsigned key = 0; key <= keys_max; ++key)
    if (key == what.key || what.what == deed::clear || key == every_key)
      about_[key].set(op);
  all_.push_back(std::move(what));
  return op;
}

void history::also_named(const stamp& name, op_id op) {
  names_.emplace(name_key(name), op);
}

std::optional<op_id> history::find(const stamp& name) const {
  const auto i = names_.find(name_key(name));
  return i == names_.end() ? std::nullopt : std::optional{i->second};
}

knowledge history::knows(op_id op) const {
  knowledge found{all_[op].past, all_[op].past};
  found.seen.set(op);
  return found;
}

void history::reissued(op_id op, op_id again) {
  all_[again].past.set(op);
  all_[again].past |= all_[op].past;
}

op_set alive(const history& all, const knowledge& of, unsigned key,
             unix_ms now) {
  const auto known = of.seen & all.about(key);
  op_set puts;
  op_set killers;
  op_set hiders;
  for_each(known, [&](op_id op) {
    const auto& x = all[op];
    if (x.what != deed::put || x.kills)
      killers.set(op);
    if (x.what != deed::put)
      return;
    if (x.expires_at <= now)
      hiders.set(op);
    else if (!of.dead[op])
      puts.set(op);
  });
  auto left = puts;
  for_each(puts, [&](op_id op) {
    bool spared = true;
    for_each(killers, [&](op_id killer) {
      spared = spared && !are_concurrent(all, op, killer);
    });
    for_each(hiders, [&](op_id hider) {
      spared = spared
               && !(are_concurrent(all, op, hider)
                    && all[hider].version >= all[op].version);
    });
    if (!spared)
      left.reset(op);
  });
  return left;
}

std::optional<std::int64_t> greatest_version(const history& all,
                                             const op_set& puts) {
  std::optional<std::int64_t> greatest;
  for_each(puts, [&](op_id op) {
    greatest = std::max(greatest.value_or(all[op].version), all[op].version);
  });
  return greatest;
}

std::optional<std::string> judge_shown(const history& all, const knowledge& of,
                                       unsigned key, std::optional<op_id> shown,
                                       unix_ms now) {
  if (shown && of.dead[*shown])
    return "resurrected: " + describe(all, *shown) + " is shown";
  if (shown && all[*shown].expires_at <= now)
    return "expired: " + describe(all, *shown) + " is shown";
  const auto must = alive(all, of, key, now);
  const auto least = greatest_version(all, must);
  if (least && (!shown || all[*shown].version < *least)) {
    std::string missing;
    for_each(must, [&](op_id op) {
      if (all[op].version == *least)
        missing = describe(all, op);
    });
    return "lost: " + missing + " does not show, "
           + (shown ? describe(all, *shown) : std::string{"nothing"}) + " does";
  }
  return std::nullopt;
}

std::optional<std::string> judge_uncovered(const history& all,
                                           const knowledge& of, op_id shown,
                                           unix_ms now) {
  const auto& low = all[shown];
  const auto known = of.seen & all.about(low.key);
  std::optional<std::string> wrong;
  const auto gone = of.dead | all.lapsed() | all.withdrawn() | all.traceless();
  for_each(known & ~gone, [&](op_id op) {
    const auto& high = all[op];
    if (high.what != deed::put || high.expires_at > now
        || std::pair{high.version, high.name} < std::pair{low.version, low.name}
        || !are_concurrent(all, op, shown)
        || low.name.hlc >= expiry_hlc(high.expires_at))
      return;
    bool removed = false;
    for_each(known, [&](op_id other) {
      const auto& x = all[other];
      const bool overtakes = x.what == deed::put && x.name > high.name
                             && x.version >= high.version;
      removed = removed
                || ((x.what != deed::put || x.kills || overtakes)
                    && are_concurrent(all, op, other));
    });
    if (!removed)
      wrong = "resurrected: " + describe(all, shown) + " is shown, which "
              + describe(all, op) + " had hidden until it expired";
  });
  return wrong;
}

std::optional<std::string> judge_put(const history& all, const knowledge& of,
                                     unsigned key, std::int64_t version,
                                     unix_ms now) {
  const auto least = greatest_version(all, alive(all, of, key, now));
  if (least && version <= *least)
    return "stale: version " + std::to_string(version) + " was accepted over "
           + std::to_string(*least);
  return std::nullopt;
}

std::optional<std::string> judge_refusal(const history& all,
                                         const knowledge& of, unsigned key,
                                         std::int64_t asked,
                                         std::int64_t current, unix_ms now) {
  if (asked > current)
    return "409 lies: " + std::to_string(asked) + " is above "
           + std::to_string(current);
  bool stands = false;
  for_each(of.seen & all.about(key), [&](op_id op) {
    const auto& x = all[op];
    stands = stands
             || (x.what == deed::put && x.version == current && !of.dead[op]
                 && x.expires_at > now);
  });
  if (!stands)
    return "409 lies: no version " + std::to_string(current) + " stands";
  return std::nullopt;
}

bool is_moot(const history& all, const op_set& seen, op_id op) {
  const auto& low = all[op];
  bool moot = seen[op];
  const auto keys =
      low.key == every_key ? all.about(every_key) : all.about(low.key);
  for_each(seen & keys, [&](op_id other) {
    const auto& high = all[other];
    moot = moot
           || (high.name > low.name
               && (high.what == deed::clear
                   || (low.what != deed::clear
                       && (high.what == deed::remove || high.kills
                           || (low.what == deed::put
                               && high.version >= low.version)))));
  });
  return moot;
}

op_set lost(const history& all, const op_set& held) {
  return all.promised() & ~held & ~all.excused();
}

std::string describe(const history& all, op_id op) {
  const auto& x = all[op];
  std::string text = x.what == deed::put      ? "put "
                     : x.what == deed::remove ? "delete "
                                              : "clear ";
  text += std::to_string(op);
  if (x.what != deed::clear)
    text += " of k" + std::to_string(x.key);
  if (x.what == deed::put)
    text += " (v" + std::to_string(x.version) + ')';
  return text;
}

} // namespace panal::sim
