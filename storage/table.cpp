#include "storage/table.hpp"

#include "storage/key_hash.hpp"

#include <utility>

namespace panal {

namespace {

outcome refused(errc code, std::uint64_t after = 0) {
  outcome out;
  out.reply.code = code;
  out.after = after;
  return out;
}

outcome absent(const winner_view& seen, std::uint64_t after) {
  return refused(
      seen.state == presence::expired ? errc::expired : errc::not_found, after);
}

/// When the value of an encoded entry is to be dropped; `never` when it does
/// not expire or is gone already.
unix_ms expiry_of(std::string_view encoded) noexcept {
  const auto seen = winner(encoded, 0);
  return seen.state == presence::present ? seen.expires_at : never;
}

/// The entry without the value of its winner.
std::string stripped(entry state) {
  auto& dead = state.frontier.front();
  dead.stripped = true;
  dead.value.clear();
  dead.value.shrink_to_fit();
  return encode(state);
}

} // namespace

table::table(const table_config& config, hybrid_clock& time)
    : config_{config}, time_{time} {
  // nop
}

outcome table::apply(operation& op) {
  const auto now = current(op.key);
  switch (op.what) {
  case verb::get:
    return get(op, now);
  case verb::put:
    return put(op, now);
  case verb::remove:
    return remove(op, now);
  default:
    break;
  }
  return refused(errc::unavailable);
}

outcome table::get(const operation&, const view& now) const {
  const auto seen = winner(now.encoded, time_.now());
  const auto after = held_back(now.number);
  if (seen.state != presence::present)
    return absent(seen, after);
  outcome out;
  out.reply.value = seen.value;
  out.reply.version = seen.version;
  out.reply.expires_at = seen.expires_at;
  out.after = after;
  return out;
}

// Whatever the frontier holds, a put that is accepted ends up alone in it: it
// is above every held stamp, and either above the winner's version, hence
// above all versions, or it comes after a fresh floor. The property test holds
// this against merge().
outcome table::put(operation& op, const view& now) {
  const auto time = time_.now();
  const auto seen = winner(now.encoded, time);
  if (seen.state == presence::present && op.version <= seen.version) {
    auto out = refused(errc::stale_version, held_back(now.number));
    out.reply.version = seen.version;
    return out;
  }
  if (memory_bytes() > config_.memory_bytes_max)
    return refused(errc::memory_full);
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return refused(errc::overloaded);
  auto floor = floor_of(now.encoded);
  auto newest = newest_stamp(now.encoded);
  if (seen.state == presence::expired)
    floor = newest = time_.tick(newest);
  put_record fresh;
  fresh.version = op.version;
  fresh.at = time_.tick(newest);
  fresh.expires_at = op.ttl_ms > 0 ? time + op.ttl_ms : never;
  fresh.value = std::move(op.value);
  outcome out;
  out.after =
      held_back(stage(std::move(op.key), encode(floor, fresh), own_change));
  return out;
}

outcome table::remove(operation& op, const view& now) {
  const auto seen = winner(now.encoded, time_.now());
  if (seen.state != presence::present)
    return absent(seen, held_back(now.number));
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return refused(errc::overloaded);
  std::string encoded;
  if (config_.keeps_tombstones) {
    entry next;
    next.floor = time_.tick(newest_stamp(now.encoded));
    encoded = encode(next);
  }
  outcome out;
  out.after =
      held_back(stage(std::move(op.key), std::move(encoded), own_change));
  return out;
}

// The peer takes an acknowledgement for durable and moves its cursor, so what
// this rests on is named at every durability level.
merge_outcome table::merge_remote(std::string_view key,
                                  std::string_view encoded, origin_id source) {
  const auto now = current(key);
  if (now.encoded == encoded)
    return {errc::ok, now.number, false};
  const auto theirs = decode(encoded);
  if (!theirs)
    return {errc::corrupt, 0, false};
  const auto newest = newest_stamp(*theirs);
  if (time_.is_far_ahead(newest))
    return {errc::ok, 0, true};
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return {errc::overloaded, 0, false};
  time_.observe(newest);
  entry ours;
  if (!now.encoded.empty())
    ours = *decode(now.encoded);
  const auto joined = merge(ours, *theirs);
  if (joined == ours)
    return {errc::ok, now.number, false};
  const auto number = stage(std::string{key}, encode(joined), source);
  return {errc::ok, number, false};
}

change_batch_ptr table::take_batch() {
  if (!building_ || waits_for_retry_)
    return nullptr;
  taken_.push_back(building_);
  return std::exchange(building_, nullptr);
}

void table::committed(const change_batch& batch) {
  if (taken_.empty() || taken_.front().get() != &batch)
    return;
  const auto keep = std::exchange(taken_.front(), nullptr);
  taken_.pop_front();
  auto number = batch.first_number;
  for (const auto& what : batch.changes) {
    remember(what);
    if (const auto i = overlay_.find(what.key);
        i != overlay_.end() && i->second.number == number)
      overlay_.erase(i);
    ++number;
  }
  overlay_bytes_ -= batch.bytes;
  durable_number_ = batch.last_number();
}

void table::failed() {
  ++epoch_;
  if (retries())
    waits_for_retry_ = true;
  else
    drop_overlay();
}

std::vector<change_batch_ptr> table::take_again() {
  waits_for_retry_ = false;
  return {taken_.begin(), taken_.end()};
}

void table::drop_overlay() {
  const auto put_back = [this](const change_batch& batch) {
    for (const auto& what : batch.changes)
      records_.push_expired(what.key, expiry_of(records_.find(what.key)));
  };
  for (const auto& batch : taken_)
    put_back(*batch);
  if (building_)
    put_back(*building_);
  overlay_.clear();
  taken_.clear();
  building_ = nullptr;
  overlay_bytes_ = 0;
}

void table::load(std::string_view key, std::string_view encoded) {
  const auto state = encoded.empty() ? result<entry>{entry{}} : decode(encoded);
  if (!state)
    return;
  time_.observe(newest_stamp(*state));
  const auto seen = winner(encoded, time_.now());
  if (seen.state != presence::expired) {
    remember(change{0, std::string{key}, std::string{encoded}, own_change});
    return;
  }
  // The value is not worth its memory. Its stub waits for the sweep, unless
  // all that the sweep does has been done in an earlier life.
  const bool is_swept =
      config_.keeps_tombstones && state->frontier.front().stripped;
  records_.assign(key, stripped(*state), is_swept ? never : seen.expires_at);
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
  if (!config_.keeps_tombstones) {
    stage(key, {}, local_change);
    return;
  }
  if (const auto state = decode(records_.find(key)))
    stage(key, stripped(*state), local_change);
}

std::size_t
table::overlay_hash::operator()(std::string_view key) const noexcept {
  return key_hash(key);
}

table::view table::current(std::string_view key) const noexcept {
  if (!overlay_.empty()) {
    if (const auto i = overlay_.find(key); i != overlay_.end())
      return {i->second.what->entry, i->second.number};
  }
  return {records_.find(key), 0};
}

std::uint64_t table::stage(std::string key, std::string encoded,
                           origin_id source) {
  if (!building_) {
    building_ = std::make_shared<change_batch>();
    building_->shard = config_.shard;
    building_->first_number = last_number_ + 1;
  }
  const auto number = ++last_number_;
  auto& what = building_->changes.emplace_back(
      change{0, std::move(key), std::move(encoded), source});
  const auto size = what.key.size() + what.entry.size() + sizeof(change);
  building_->bytes += size;
  overlay_bytes_ += size;
  // The old view of the key may live in a batch that goes away earlier.
  overlay_.erase(what.key);
  overlay_.emplace(what.key, pending{number, &what});
  return number;
}

std::uint64_t table::held_back(std::uint64_t number) const noexcept {
  return config_.level == durability::memory ? 0 : number;
}

void table::remember(const change& what) {
  if (what.entry.empty())
    records_.erase(what.key);
  else
    records_.assign(what.key, what.entry, expiry_of(what.entry));
}

} // namespace panal
