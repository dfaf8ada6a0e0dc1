#include "storage/table.hpp"

#include "storage/key_hash.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
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

write_level level_of(durability level) noexcept {
  return static_cast<write_level>(level);
}

} // namespace

table::table(const table_config& config, hybrid_clock& time)
    : config_{config}, time_{time} {
  // nop
}

outcome table::apply(operation& op) {
  if (const auto code = refusal(op); code != errc::ok)
    return refused(code);
  if (op.what != verb::remove && is_unreadable(op.key))
    return refused(errc::unreadable);
  const auto now = current(op.key);
  switch (op.what) {
  case verb::get:
    return get(now);
  case verb::put:
    return put(op, now);
  case verb::remove:
    return remove(op, now);
  default:
    return refused(errc::unavailable);
  }
}

errc table::refusal(const operation& op) const noexcept {
  if (config_.gate == nullptr)
    return errc::ok;
  return op.what == verb::get ? config_.gate->reads() : config_.gate->writes();
}

outcome table::get(const view& now) const {
  const auto seen = winner(now.encoded, time_.now());
  const auto after = held_back(now.number);
  if (seen.state != presence::present)
    return absent(seen, after);
  outcome out;
  out.reply.value = seen.value;
  out.reply.version = seen.version;
  out.reply.expires_at = seen.expires_at;
  out.after = PANAL_MUTANT(read_before_commit) ? 0 : after;
  return out;
}

outcome table::put(operation& op, const view& now) {
  const auto time = time_.now();
  const auto seen = winner(now.encoded, time);
  const bool stands = seen.state == presence::present
                      || (PANAL_MUTANT(expired_version_stands)
                          && seen.state == presence::expired);
  if (stands && op.version <= seen.version) {
    auto out = refused(errc::stale_version, held_back(now.number));
    out.reply.version = seen.version;
    return out;
  }
  if (memory_bytes() > config_.memory_bytes_max
      && !PANAL_MUTANT(memory_limit_ignored))
    return refused(errc::memory_full);
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return refused(errc::overloaded);
  put_record fresh;
  fresh.version = op.version;
  fresh.expires_at =
      op.ttl_ms > 0 && !PANAL_MUTANT(ttl_ignored) ? time + op.ttl_ms : never;
  fresh.value = std::move(op.value);
  auto key = std::move(op.key);
  return accept(std::move(key), std::move(fresh), now, op);
}

// Whatever the frontier holds, a put that is accepted ends up alone in it: it
// is above every held stamp, and either above the winner's version, hence
// above all versions, or it comes after a fresh floor. The property test holds
// this against merge().
outcome table::accept(std::string key, put_record fresh, const view& now,
                      const operation& op) {
  auto floor = floor_of(now.encoded);
  auto newest = newest_stamp(now.encoded);
  if (winner(now.encoded, time_.now()).over_expired
      && !PANAL_MUTANT(put_over_expired_without_floor))
    floor = newest = time_.tick(newest);
  fresh.at = time_.tick(newest);
  const auto at = fresh.at;
  const auto number = stage(std::move(key), encode(floor, fresh), own_change);
  return written(number, at, op);
}

outcome table::remove(operation& op, const view& now) {
  const auto seen = winner(now.encoded, time_.now());
  if (seen.state != presence::present && !is_unreadable(op.key))
    return absent(seen, held_back(now.number));
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return refused(errc::overloaded);
  entry next;
  next.floor = time_.tick(newest_stamp(now.encoded));
  std::string encoded;
  if (config_.keeps_tombstones && !PANAL_MUTANT(delete_without_tombstone))
    encoded = encode(next);
  const auto number = stage_mended(op.key, std::move(encoded), own_change);
  return written(number, next.floor, op);
}

outcome table::clear(const operation& op) {
  if (const auto code = refusal(op); code != errc::ok)
    return refused(code);
  if (overlay_bytes_ > config_.overlay_bytes_max)
    return refused(errc::overloaded);
  const auto at = time_.tick(std::max(staged_clear_, cleared_));
  const auto number = stage_clear(at, own_change);
  auto out = written(number, at, op);
  // Whoever is told that all is cleared must not read what was; but for a node
  // at `memory` nothing is until the row is durable.
  if (out.after == 0 && config_.level != durability::memory) {
    out.after = number;
    out.reply.reached = write_level::disk;
  }
  return out;
}

std::uint64_t table::stage_clear(const stamp& at, origin_id source) {
  entry floor;
  floor.floor = at;
  staged_clear_ = at;
  clear_number_ = stage(std::string{cleared_key}, encode(floor), source);
  if (config_.level == durability::memory)
    set_cleared(at, false);
  return clear_number_;
}

void table::set_cleared(const stamp& at, bool durable) {
  cleared_ = std::max(cleared_, at);
  if (!durable || at <= durable_cleared_)
    return;
  durable_cleared_ = at;
  if (config_.counts != nullptr)
    config_.counts->cleared(at);
  purge_part_ = 0;
  clear_mends_ = clear_mends_
                 || (config_.unreadable != nullptr && config_.unreadable->any()
                     && at.origin == time_.origin());
}

outcome table::written(std::uint64_t number, const stamp& at,
                       const operation& op) {
  outcome out;
  out.reply.at = at;
  out.wanted = op.level.value_or(level_of(config_.level));
  if (out.wanted == write_level::sync && building_
      && !PANAL_MUTANT(sync_without_flush))
    building_->flush = true;
  out.after = rests_on(op, number);
  // What is reached when that is durable; quorums are counted elsewhere.
  out.reply.reached =
      out.after == 0 ? write_level::memory
      : out.wanted == write_level::sync || config_.level == durability::sync
          ? write_level::sync
          : write_level::disk;
  return out;
}

/// What a write that asks for a level of its own waits for.
std::uint64_t table::rests_on(const operation& op,
                              std::uint64_t number) const noexcept {
  if (PANAL_MUTANT(answer_before_commit))
    return 0;
  if (!op.level)
    return held_back(number);
  return *op.level == write_level::memory ? 0 : number;
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
  if (!mending_.empty())
    note_mended();
}

void table::failed() {
  ++epoch_;
  if (retries())
    waits_for_retry_ = true;
  else if (!PANAL_MUTANT(failed_commit_stays_visible))
    drop_overlay();
}

std::vector<change_batch_ptr> table::take_again() {
  waits_for_retry_ = false;
  return {taken_.begin(), taken_.end()};
}

void table::drop_overlay() {
  if (!PANAL_MUTANT(failed_clear_remembered))
    staged_clear_ = {};
  clear_number_ = 0;
  const auto put_back = [this](const change_batch& batch) {
    for (const auto& what : batch.changes) {
      const auto held = records_.find(what.key);
      records_.push_expired(what.key, expiry_of(held));
      note_stub(what.key, held);
      if (cleared_ != stamp{} && !held.empty() && is_covered(held))
        purge_keys_.push_back(what.key);
    }
  };
  for (const auto& batch : taken_)
    put_back(*batch);
  if (building_)
    put_back(*building_);
  mending_.clear();
  overlay_.clear();
  taken_.clear();
  building_ = nullptr;
  overlay_bytes_ = 0;
}

std::size_t
table::overlay_hash::operator()(std::string_view key) const noexcept {
  return key_hash(key);
}

table::view table::current(std::string_view key) const {
  view now{{}, 0};
  const auto i = overlay_.empty() ? overlay_.end() : overlay_.find(key);
  if (i != overlay_.end())
    now = {i->second.what->entry, i->second.number};
  else
    now.encoded = records_.find(key);
  if (cleared_ != stamp{})
    hide_cleared(now);
  return now;
}

void table::hide_cleared(view& now) const {
  if (now.encoded.empty() || !is_covered(now.encoded))
    return;
  visible_.clear();
  if (const auto state = decode(now.encoded)) {
    auto left = merge(*state, {}, cleared_);
    if (left.floor <= cleared_)
      left.floor = {};
    if (left != entry{})
      visible_ = encode(left);
  }
  now.encoded = visible_;
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
  if (what.key == cleared_key)
    return set_cleared(floor_of(what.entry), true);
  set_record(what.key, what.entry, expiry_of(what.entry));
}

void table::set_record(std::string_view key, std::string_view encoded,
                       unix_ms expires_at) {
  const auto before = records_.find(key);
  if (config_.counts != nullptr)
    config_.counts->changed(before, encoded);
  if (!PANAL_MUTANT(digest_keeps_the_old))
    toggle_digest(key, before);
  if (encoded.empty()) {
    records_.erase(key);
    return;
  }
  records_.assign(key, encoded, expires_at);
  toggle_digest(key, encoded);
  // What was decided before a clear-all, and comes after its purge has passed.
  if (cleared_ != stamp{} && is_covered(encoded))
    purge_keys_.emplace_back(key);
  note_stub(key, encoded);
}

void table::toggle_digest(std::string_view key,
                          std::string_view encoded) noexcept {
  if (config_.digests == nullptr || encoded.empty())
    return;
  const auto place = key_digest(key, config_.digest_secret);
  config_.digests->toggle(place,
                          entry_digest(place, encoded, config_.digest_secret));
}

} // namespace panal
