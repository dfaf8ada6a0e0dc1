// What a table does besides answering: loading, dropping expired values,
// collecting stubs, purging what a clear-all covers.

#include "storage/mutant.hpp"
#include "storage/table.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// The entry without the values of what has expired.
std::string stripped(entry state, unix_ms now) {
  for (auto& put : state.frontier) {
    if (!put.stripped && now < put.expires_at)
      continue;
    put.stripped = true;
    put.value.clear();
    put.value.shrink_to_fit();
  }
  return encode(state);
}

/// From when on an expired put is dead to every member: the hlc after which it
/// has expired and is merged, and with it all that it hides.
std::uint64_t dead_from(const put_header& put) noexcept {
  return std::max(put.at.hlc, expiry_hlc(put.expires_at));
}

} // namespace

bool table::load(std::string_view key, std::string_view encoded) {
  const auto state = encoded.empty() ? result<entry>{entry{}} : decode(encoded);
  if (!state)
    return false;
  time_.observe(newest_stamp(*state));
  if (key == cleared_key && PANAL_MUTANT(clear_forgotten_at_start))
    return true;
  const auto seen = winner(encoded, time_.now());
  if (key == cleared_key || seen.state != presence::expired) {
    remember(change{0, std::string{key}, std::string{encoded}, own_change});
    return true;
  }
  // The value is not worth its memory. Its stub waits for the sweep, unless
  // all that the sweep does has been done in an earlier life.
  const bool is_swept =
      config_.keeps_tombstones && state->frontier.front().stripped;
  set_record(key, stripped(*state, time_.now()),
             is_swept ? never : seen.expires_at);
  return true;
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
  if (overlay_.contains(key) || is_unreadable(key))
    return;
  if (!config_.keeps_tombstones || PANAL_MUTANT(expiry_without_stub)) {
    stage(key, {}, local_change);
    return;
  }
  if (const auto state = decode(records_.find(key)))
    stage(key, stripped(*state, time_.now()), local_change);
}

void table::set_line(std::uint64_t line) noexcept {
  line_ = std::max(line_, line);
}

// A winner waits for its sweep before it counts as a stub.
void table::note_stub(std::string_view key, std::string_view encoded) {
  if (!config_.keeps_tombstones || encoded.empty())
    return;
  auto from = floor_of(encoded).hlc;
  put_headers puts{encoded};
  bool is_winner = true;
  for (put_header put; from == 0 && puts.next(put); is_winner = false)
    if (put.stripped || (!is_winner && put.expires_at != never))
      from = dead_from(put);
  if (from != 0)
    stubs_.emplace(from, key);
}

std::size_t table::collect(std::uint64_t upto, std::size_t keys_max) {
  if (!PANAL_MUTANT(collect_by_age))
    upto = std::min(upto, line_);
  std::size_t looked_at = 0;
  std::vector<std::string> later;
  while (!stubs_.empty() && stubs_.top().first <= upto && looked_at < keys_max
         && overlay_bytes_ <= config_.overlay_bytes_max) {
    const auto key = stubs_.top().second;
    stubs_.pop();
    ++looked_at;
    // What is being changed is noted again when that change is durable.
    if (!overlay_.contains(key) && !is_unreadable(key) && !collect_key(key))
      later.push_back(key);
  }
  for (const auto& key : later)
    note_stub(key, records_.find(key));
  return looked_at;
}

std::uint64_t table::wanted_line() const noexcept {
  const bool waits =
      !stubs_.empty() && time_of({stubs_.top().first, 0}) <= time_.now();
  return waits ? stubs_.top().first : 0;
}

/// Drops what has expired up to the line, always with all that it hides: a
/// hidden put would show again. What stands above it stays.
void table::drop_expired(entry& state, std::uint64_t line) const {
  std::uint64_t hidden_below = 0;
  std::vector<put_record> kept;
  for (auto& put : state.frontier) {
    const auto from = dead_from({put.version, put.at, put.expires_at, true});
    // Stamps may run ahead of the clock, and so may the line.
    const bool expired = put.stripped || time_.now() >= put.expires_at;
    if (expired && from <= line) {
      if (!PANAL_MUTANT(expired_winner_dropped_alone))
        hidden_below = std::max(hidden_below, expiry_hlc(put.expires_at));
    } else if (put.at.hlc >= hidden_below) {
      kept.push_back(std::move(put));
    }
  }
  state.frontier = std::move(kept);
}

/// False if the key has something that is to be looked at again.
bool table::collect_key(const std::string& key) {
  const auto encoded = records_.find(key);
  if (encoded.empty())
    return true;
  auto state = decode(encoded);
  if (!state)
    return true;
  const auto line = PANAL_MUTANT(collect_by_age) ? hlc_at(time_.now()) : line_;
  const auto before = *state;
  if (state->floor.hlc <= line)
    state->floor = {};
  drop_expired(*state, line);
  // What is unchanged was replaced meanwhile, and noted anew then.
  if (*state != before)
    stage(key, *state == entry{} ? std::string{} : encode(*state),
          local_change);
  return *state != before || before.frontier.size() < 2;
}

/// The cleared floor covers some of the entry, or all. The first put has the
/// oldest stamp.
bool table::is_covered(std::string_view encoded) const noexcept {
  put_headers puts{encoded};
  put_header first;
  return puts.next(first) ? first.at <= cleared_
                          : floor_of(encoded) <= cleared_;
}

// One part of the records is looked through at a time.
bool table::purge(std::size_t keys_max) {
  if (clear_mends_)
    mend_cleared();
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
    if (overlay_.contains(key) || held.empty() || !is_covered(held)
        || is_unreadable(key))
      continue;
    const auto now = current(key);
    stage(key, std::string{now.encoded}, local_change);
  }
  return purges();
}

} // namespace panal
