#include "tests/simulator/sim_disk.hpp"

namespace panal::sim {

result<void> sim_disk::write() {
  if (full_)
    return error{errc::storage_full, "the simulated disk is full"};
  if (fail_in_ > 0 && --fail_in_ == 0)
    return error{errc::storage_failed, "the simulated disk refuses a write"};
  return {};
}

result<void> sim_disk::append_all(std::span<const change* const> changes,
                                  bool flush) {
  if (auto done = write(); !done)
    return done;
  return behind_.append_all(changes, flush);
}

result<fold_step> sim_disk::fold(std::size_t changes_max) {
  if (auto done = write(); !done)
    return done.error();
  return behind_.fold(changes_max);
}

result<void> sim_disk::save_cursor(origin_id peer, position acknowledged) {
  if (auto done = write(); !done)
    return done;
  return behind_.save_cursor(peer, acknowledged);
}

result<void> sim_disk::save_member(const member& who) {
  if (auto done = write(); !done)
    return done;
  return behind_.save_member(who);
}

result<void> sim_disk::remove_member(origin_id who) {
  if (auto done = write(); !done)
    return done;
  return behind_.remove_member(who);
}

result<void> sim_disk::save_fact(fact which, std::uint64_t value) {
  if (auto done = write(); !done)
    return done;
  return behind_.save_fact(which, value);
}

result<void> sim_disk::add_run(const run_record& run, origin_id peer) {
  if (auto done = write(); !done)
    return done;
  return behind_.add_run(run, peer);
}

result<void> sim_disk::rebirth(origin_id fresh, std::span<const change> kept,
                               std::span<const reissue> again,
                               const fact_map& facts) {
  if (auto done = write(); !done)
    return done;
  return behind_.rebirth(fresh, kept, again, facts);
}

result<void> sim_disk::remove_reissue(std::string_view key) {
  if (auto done = write(); !done)
    return done;
  return behind_.remove_reissue(key);
}

} // namespace panal::sim
