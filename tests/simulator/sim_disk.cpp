#include "tests/simulator/sim_disk.hpp"

#include <algorithm>

namespace panal::sim {

sim_disk::sim_disk(const sim_disk& other)
    : knows{other.knows}, behind_{other.behind_} {
  // Faults are those of a machine, and a copy lies whole on another disk.
}

void sim_disk::watch_power(std::size_t writes_between) noexcept {
  watches_power_ = true;
  writes_between_ = writes_between;
  flush_is_due_ = true;
}

void sim_disk::keep_flushed() {
  if (!watches_power_ || !std::exchange(flush_is_due_, false))
    return;
  flushed_ = flushed_state{behind_, knows};
  writes_unflushed_ = 0;
}

void sim_disk::lose_power() {
  keep_flushed();
  if (!flushed_)
    return;
  behind_ = flushed_->behind;
  knows = flushed_->knows;
  writes_unflushed_ = 0;
}

std::unique_ptr<sim_disk> sim_disk::after_power_loss() {
  keep_flushed();
  auto left = copy();
  if (flushed_) {
    left->behind_ = flushed_->behind;
    left->knows = flushed_->knows;
  }
  return left;
}

/// True if the fault that waits for such a write lets it fail.
bool sim_disk::strikes(disk_write kind) {
  if (!aimed_ || aimed_->at != kind || --aimed_->nth > 0)
    return false;
  const auto then = aimed_->then;
  aimed_.reset();
  full_ = full_ || then == disk_fault::full;
  if (struck_)
    struck_(then);
  return then == disk_fault::fails;
}

result<void> sim_disk::write(disk_write kind) {
  keep_flushed();
  const bool fails = strikes(kind);
  if (full_)
    return error{errc::storage_full, "the simulated disk is full"};
  if (fails || (fail_in_ > 0 && --fail_in_ == 0))
    return error{errc::storage_failed, "the simulated disk refuses a write"};
  if (flushes_all_
      || (writes_between_ > 0 && ++writes_unflushed_ >= writes_between_))
    flush();
  return {};
}

result<void> sim_disk::append_all(std::span<const change* const> changes,
                                  bool flushed) {
  const bool clears = std::ranges::any_of(
      changes, [](const change* what) { return what->key.empty(); });
  if (auto done = write(clears ? disk_write::clear : disk_write::append); !done)
    return done;
  if (flushed)
    flush();
  return behind_.append_all(changes, flushed);
}

result<fold_step> sim_disk::fold(std::size_t changes_max) {
  if (auto done = write(disk_write::fold); !done)
    return done.error();
  return behind_.fold(changes_max);
}

result<void> sim_disk::save_cursor(origin_id peer, position acknowledged) {
  if (auto done = write(disk_write::cursor); !done)
    return done;
  return behind_.save_cursor(peer, acknowledged);
}

result<void> sim_disk::save_member(const member& who) {
  if (auto done = write(disk_write::member); !done)
    return done;
  return behind_.save_member(who);
}

result<void> sim_disk::remove_member(origin_id who) {
  if (auto done = write(disk_write::member); !done)
    return done;
  return behind_.remove_member(who);
}

result<void> sim_disk::save_fact(fact which, std::uint64_t value) {
  if (auto done = write(disk_write::fact); !done)
    return done;
  bad_facts_.erase(which);
  dropped_facts_.erase(which);
  return behind_.save_fact(which, value);
}

result<void> sim_disk::save_facts(const fact_map& facts) {
  if (auto done = write(disk_write::fact); !done)
    return done;
  return behind_.save_facts(facts);
}

result<void> sim_disk::add_run(const run_record& run, origin_id peer) {
  if (auto done = write(disk_write::run); !done)
    return done;
  if (peer == own_change)
    flush();
  return behind_.add_run(run, peer);
}

result<void> sim_disk::rebirth_from(origin_id fresh,
                                    std::span<const change> kept,
                                    const reissue_source& again,
                                    const fact_map& facts) {
  if (auto done = write(disk_write::rebirth); !done)
    return done;
  flush();
  auto done = behind_.rebirth_from(fresh, kept, again, facts);
  if (done)
    forget_damage();
  return done;
}

result<void> sim_disk::remove_reissue(std::string_view key) {
  if (auto done = write(disk_write::reissue); !done)
    return done;
  return behind_.remove_reissue(key);
}

} // namespace panal::sim
