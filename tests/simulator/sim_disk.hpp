#pragma once

// A node's disk: survives the node, and does to it what disks do. It also
// keeps for the checks what of the history it holds.

#include "storage/memory_store.hpp"
#include "tests/simulator/history.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace panal::sim {

inline constexpr std::size_t shards_max = 8;

/// What of the history a disk holds.
struct disk_knowledge {
  /// Per shard.
  knowledge of[shards_max];
  /// Of clear-alls, which concern every shard.
  knowledge clears;

  op_set seen() const noexcept { return all().seen; }
  knowledge all() const noexcept {
    auto sum = clears;
    for (const auto& part : of)
      sum |= part;
    return sum;
  }
};

/// What a disk is asked to write, so that a fault can be aimed at it.
enum class disk_write : std::uint8_t {
  append,
  /// An append with a clear-all among its rows.
  clear,
  fold,
  cursor,
  member,
  fact,
  run,
  rebirth,
  reissue,
  probe,
};
inline constexpr std::size_t disk_writes_count = 10;

/// What becomes of a write that a fault was aimed at, and of its machine.
enum class disk_fault : std::uint8_t {
  /// It fails, and the next one may succeed.
  fails,
  /// It fails, and so does all that follows until the disk is healed.
  full,
  /// It succeeds, and its node crashes before it can tell anybody.
  crash,
};

/// Waits for a write of its kind.
struct aimed_fault {
  disk_write at = disk_write::append;
  /// The `nth` write of that kind from now, 1 being the next.
  std::size_t nth = 1;
  disk_fault then = disk_fault::fails;
};

class sim_disk final : public store {
public:
  explicit sim_disk(origin_id origin) : behind_{origin} {}
  /// A backup, or a copied directory.
  std::unique_ptr<sim_disk> copy() const {
    return std::unique_ptr<sim_disk>{new sim_disk{*this}};
  }

  void set_full(bool full) noexcept { full_ = full; }
  /// Whether read_after() succeeds, and what is to be issued anew is found.
  void set_readable(bool readable) noexcept { readable_ = readable; }
  bool is_readable() const noexcept { return readable_; }
  /// Lets the `nth` write from now fail, 1 being the next.
  void fail_write(std::size_t nth) noexcept { fail_in_ = nth; }
  /// Takes the place of the fault that was aimed before. One that has struck
  /// is told to `struck`, within the write.
  void aim(const aimed_fault& at, std::function<void(disk_fault)> struck) {
    aimed_ = at;
    struck_ = std::move(struck);
  }
  /// Lets a row read back damaged from now on.
  /// @param what  `entry` or `key`.
  void damage_row(position at, damaged what) { bad_rows_[at] = what; }
  void damage_fact(fact which) { bad_facts_.insert(which); }
  /// The changes that stand on it, as they were written.
  std::vector<change> all_rows();
  void heal() noexcept {
    full_ = false;
    readable_ = true;
    fail_in_ = 0;
    aimed_.reset();
  }

  /// What a write is durable against without being asked for more: at `sync`
  /// a power cut takes nothing back.
  void set_flushes_all(bool all) noexcept { flushes_all_ = all; }
  /// Lets the operating system write back by itself what was not flushed,
  /// after that many writes; 0: never. Power losses are told apart from then
  /// on only, since they cost a copy of each flushed state.
  void watch_power(std::size_t writes_between) noexcept;
  /// Goes back to what was flushed last, a state that the disk was in.
  void lose_power();
  /// What lose_power() would leave.
  std::unique_ptr<sim_disk> after_power_loss();

  disk_knowledge knows;

  using store::append_all;
  result<void> append_all(std::span<const change* const> changes,
                          bool flush) override;
  result<fold_step> fold(std::size_t changes_max) override;
  using store::load;
  result<void> load(const visitor& visit,
                    const damage_visitor& damage) override;
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override;
  std::vector<damaged_row> take_damage() override {
    return behind_.take_damage();
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
  result<void> save_facts(const fact_map& facts) override;
  result<fact_map> facts() override;
  result<void> add_run(const run_record& run, origin_id peer) override;
  result<std::map<origin_id, std::vector<run_record>>> runs() override {
    return behind_.runs();
  }
  result<void> drop_damaged_notes() override;
  result<void> rebirth_from(origin_id fresh, std::span<const change> kept,
                            const reissue_source& again,
                            const fact_map& facts) override;
  result<void> probe() override { return write(disk_write::probe); }
  using store::reissues;
  result<std::vector<reissue>> reissues(std::string_view after,
                                        read_limits limits) override {
    return behind_.reissues(after, limits);
  }
  result<std::string> reissue_of(std::string_view key) override {
    return behind_.reissue_of(key);
  }
  result<void> remove_reissue(std::string_view key) override;

private:
  /// What a power cut leaves.
  struct flushed_state {
    memory_store behind;
    disk_knowledge knows;
  };

  sim_disk(const sim_disk& other);
  result<void> write(disk_write kind);
  bool strikes(disk_write kind);
  /// The write under way is flushed when it is done.
  void flush() noexcept { flush_is_due_ = true; }
  void keep_flushed();

  void forget_damage();

  memory_store behind_;
  std::map<position, damaged> bad_rows_;
  std::set<fact> bad_facts_;
  /// Damaged ones that were dropped, and not saved since.
  std::set<fact> dropped_facts_;
  bool full_ = false;
  bool readable_ = true;
  std::size_t fail_in_ = 0;
  std::optional<aimed_fault> aimed_;
  std::function<void(disk_fault)> struck_;
  bool flushes_all_ = false;
  bool watches_power_ = false;
  std::size_t writes_between_ = 0;
  std::size_t writes_unflushed_ = 0;
  /// The newest state is flushed, and is to be kept before the next write:
  /// what it means is told only after the write.
  bool flush_is_due_ = false;
  std::optional<flushed_state> flushed_;
};

} // namespace panal::sim
