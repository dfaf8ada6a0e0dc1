// What a table does besides answering: loading, dropping expired values,
// collecting stubs, purging what a clear-all covers.

#include "storage/mutant.hpp"
#include "storage/table.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// The entry without the value of its winner.
std::string stripped(entry state) {
  auto& dead = state.frontier.front();
  dead.stripped = true;
  dead.value.clear();
  dead.value.shrink_to_fit();
  return encode(state);
}

/// From when on the key is dead to every member: the hlc after which its
/// winner has expired and all its stamps are merged.
std::uint64_t dead_from(const entry& state) noexcept {
  const auto& w = state.frontier.front();
  return std::max(newest_stamp(state).hlc, hlc_at(w.expires_at));
}

} // namespace

void table::load(std::string_view key, std::string_view encoded) {
  const auto state = encoded.empty() ? result<entry>{entry{}} : decode(encoded);
  if (!state)
    return;
  time_.observe(newest_stamp(*state));
  const auto seen = winner(encoded, time_.now());
  if (key == cleared_key)
    cleared_ = std::max(cleared_, state->floor);
  if (key == cleared_key || seen.state != presence::expired) {
    remember(change{0, std::string{key}, std::string{encoded}, own_change});
    return;
  }
  // The value is not worth its memory. Its stub waits for the sweep, unless
  // all that the sweep does has been done in an earlier life.
  const bool is_swept =
      config_.keeps_tombstones && state->frontier.front().stripped;
  set_record(key, stripped(*state), is_swept ? never : seen.expires_at);
}

std::size_t table::sweep(std::size_t keys_max) {
  std::size_t swept = 0;
  const auto now = time_.now();
  while (swept < keys_max && overlay_bytes_ <= config_.overlay_bytes_max) {
    const auto key = records_.pop_expired(now);
    if (!key)
      break;
    strip_expired(*key);
    ++swept;
  }
  return swept;
}

// A key that is being changed gets a new expiry when that change is durable.
void table::strip_expired(const std::string& key) {
  if (overlay_.contains(key))
    return;
  if (!config_.keeps_tombstones || PANAL_MUTANT(expiry_without_stub)) {
    stage(key, {}, local_change);
    return;
  }
  if (const auto state = decode(records_.find(key)))
    stage(key, stripped(*state), local_change);
}

void table::set_line(std::uint64_t line) noexcept {
  line_ = std::max(line_, line);
}

// An entry with a value waits for its sweep before it counts as a stub.
void table::note_stub(std::string_view key, std::string_view encoded) {
  if (!config_.keeps_tombstones || encoded.empty())
    return;
  auto from = std::uint64_t{0};
  if (const auto floor = floor_of(encoded); floor != stamp{})
    from = floor.hlc;
  else if (const auto seen = winner(encoded, 0);
           seen.state == presence::expired && seen.expires_at != never)
    from = std::max(newest_stamp(encoded).hlc, hlc_at(seen.expires_at));
  if (from != 0)
    stubs_.emplace(from, key);
}

std::size_t table::collect(std::uint64_t upto, std::size_t keys_max) {
  if (!PANAL_MUTANT(collect_by_age))
    upto = std::min(upto, line_);
  std::size_t looked_at = 0;
  while (!stubs_.empty() && stubs_.top().first <= upto && looked_at < keys_max
         && overlay_bytes_ <= config_.overlay_bytes_max) {
    const auto key = stubs_.top().second;
    stubs_.pop();
    ++looked_at;
    // What is being changed is noted again when that change is durable.
    if (!overlay_.contains(key))
      collect_key(key);
  }
  return looked_at;
}

void table::collect_key(const std::string& key) {
  const auto encoded = records_.find(key);
  if (encoded.empty())
    return;
  auto state = decode(encoded);
  if (!state)
    return;
  const auto line = PANAL_MUTANT(collect_by_age) ? hlc_at(time_.now()) : line_;
  const auto before = *state;
  if (state->floor.hlc <= line)
    state->floor = {};
  if (!state->frontier.empty() && state->frontier.front().stripped) {
    // Only whole: a lower put would show again.
    if (dead_from(*state) <= line)
      state->frontier.clear();
    else if (PANAL_MUTANT(expired_winner_dropped_alone)
             && state->frontier.front().at.hlc <= line)
      state->frontier.erase(state->frontier.begin());
  }
  // What is unchanged was replaced meanwhile, and noted anew then.
  if (*state != before)
    stage(key, *state == entry{} ? std::string{} : encode(*state),
          local_change);
}

/// The cleared floor covers some of the entry, or all.
bool table::is_covered(std::string_view encoded) const noexcept {
  const auto first = winner(encoded, 0);
  return first.state == presence::absent ? floor_of(encoded) <= cleared_
                                         : first.at <= cleared_;
}

// One part of the records is looked through at a time.
bool table::purge(std::size_t keys_max) {
  // Only what is durable may take anything away for good.
  if (cleared_ != durable_cleared_)
    return purges();
  if (purge_keys_.empty() && purge_part_ < record_set::part_count)
    visit_part(purge_part_++,
               [&](std::string_view key, std::string_view encoded) {
                 if (is_covered(encoded))
                   purge_keys_.emplace_back(key);
               });
  for (std::size_t i = 0; i < keys_max && !purge_keys_.empty(); ++i) {
    const auto key = std::move(purge_keys_.back());
    purge_keys_.pop_back();
    const auto held = records_.find(key);
    if (overlay_.contains(key) || held.empty() || !is_covered(held))
      continue;
    const auto now = current(key);
    stage(key, std::string{now.encoded}, local_change);
  }
  return purges();
}

} // namespace panal
