#pragma once

// A node's disk: survives the node, and does to it what disks do. It also
// keeps for the checks what of the history it holds.

#include "storage/memory_store.hpp"
#include "tests/simulator/history.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace panal::sim {

inline constexpr std::size_t shards_max = 2;

/// What of the history a disk holds, per shard.
struct disk_knowledge {
  knowledge of[shards_max];
  op_set seen() const noexcept { return of[0].seen | of[1].seen; }
  knowledge all() const noexcept {
    auto both = of[0];
    return both |= of[1];
  }
};

/// A key's newest row, for judging acknowledgements.
struct newest_row {
  position at = 0;
  op_set holds;
  origin_id source = own_change;
};

class sim_disk final : public store {
public:
  explicit sim_disk(origin_id origin) : behind_{origin} {}
  /// A backup, or a copied directory.
  std::unique_ptr<sim_disk> copy() const {
    return std::unique_ptr<sim_disk>{new sim_disk{*this}};
  }

  void set_full(bool full) noexcept { full_ = full; }
  /// Lets the `nth` write from now fail, 1 being the next.
  void fail_write(std::size_t nth) noexcept { fail_in_ = nth; }
  void heal() noexcept {
    full_ = false;
    fail_in_ = 0;
  }

  disk_knowledge knows;
  std::map<std::string, newest_row, std::less<>> rows;

  using store::append_all;
  result<void> append_all(std::span<const change* const> changes,
                          bool flush) override;
  result<fold_step> fold(std::size_t changes_max) override;
  result<void> load(const visitor& visit) override {
    return behind_.load(visit);
  }
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override {
    return behind_.read_after(after, limits);
  }
  position last_position() const override { return behind_.last_position(); }
  std::size_t journal_rows() const override { return behind_.journal_rows(); }
  origin_id origin() const override { return behind_.origin(); }
  result<void> save_cursor(origin_id peer, position acknowledged) override;
  result<std::map<origin_id, position>> cursors() override {
    return behind_.cursors();
  }
  result<void> save_member(const member& who) override;
  result<void> remove_member(origin_id who) override;
  result<std::vector<member>> members() override { return behind_.members(); }
  result<void> save_fact(fact which, std::uint64_t value) override;
  result<fact_map> facts() override { return behind_.facts(); }
  result<void> add_run(const run_record& run, origin_id peer) override;
  result<std::map<origin_id, std::vector<run_record>>> runs() override {
    return behind_.runs();
  }
  result<void> rebirth(origin_id fresh, std::span<const change> kept,
                       std::span<const reissue> again,
                       const fact_map& facts) override;
  result<std::vector<reissue>> reissues() override {
    return behind_.reissues();
  }
  result<void> remove_reissue(std::string_view key) override;

private:
  sim_disk(const sim_disk&) = default;
  result<void> write();

  memory_store behind_;
  bool full_ = false;
  std::size_t fail_in_ = 0;
};

} // namespace panal::sim
