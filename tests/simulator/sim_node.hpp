#pragma once

// One whole node in a simulated world: the very classes that a real one is
// made of, and in the place of its actors this class, which moves messages
// between them with delays, first in first out from each sender to each
// receiver.

#include "cluster/node_load.hpp"
#include "cluster/replica.hpp"
#include "cluster/shard_rounds.hpp"
#include "storage/journal.hpp"
#include "storage/journal_care.hpp"
#include "storage/node_conditions.hpp"
#include "storage/table.hpp"
#include "tests/simulator/history.hpp"
#include "tests/simulator/sim_disk.hpp"
#include "tests/simulator/sim_shard.hpp"
#include "tests/simulator/world.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace panal::sim {

class cluster;

/// Settings that a seed draws for all its nodes.
struct node_options {
  std::size_t shards = 1;
  bool pushes = true;
  /// A frame or two in flight.
  bool narrow_windows = false;
  /// What of the newest changes is kept in memory for the peers.
  std::size_t recent_bytes_max = 3'000;
  /// How probably a commit is followed by a step of folding.
  double folds = 0.3;
  /// For each shard.
  std::size_t memory_bytes_max = std::size_t{1} << 30;
  /// False: it knows of no peers and is known by none, and deletes without
  /// leaving tombstones.
  bool is_clustered = true;
  /// What links carry, in bytes a second, 0 without a bound; with one, what is
  /// called large is small.
  std::size_t rate = 0;
};

class sim_node final : public replica_port, public shards_port {
public:
  /// @param index  of its machine.
  sim_node(cluster& around, std::size_t index, sim_disk& disk,
           const clock& wall, const node_options& options);
  ~sim_node() override;

  life_id life() const noexcept { return life_; }
  origin_id origin() const noexcept { return stamps_.origin(); }
  std::uint64_t run() const noexcept { return run_; }
  /// False: its disk did not let it start.
  bool is_sound() const noexcept { return is_sound_; }
  /// Ends all that is under way, as a crash does.
  void die();

  void ask(operation op, unsigned key, reply_to to);
  void forget(const std::string& name);

  // From the network.
  void admitted(const member& who, std::uint64_t run, std::uint64_t link,
                const std::string& dialled);
  void introduced(const member& who, std::uint64_t run,
                  const std::string& dialled);
  void dial_failed(const std::string& address);
  void told_copied(const member& by, std::uint64_t run);
  void greeted(std::uint64_t link);
  void link_gone(std::uint64_t link);
  void frame_came(std::uint64_t link, const std::string& bytes);

  // For the checks.
  bool is_reborn() const noexcept { return reborn_; }
  bool serves() const noexcept { return gate_.reads() == errc::ok; }
  const node_conditions& conditions() const noexcept { return conditions_; }
  panal::answer look(const std::string& key);
  std::uint64_t digest_root() const { return digests_.root(); }
  std::size_t stubs() const;
  std::uint64_t cleared() const {
    return shards_[0]->core.keys().cleared().hlc;
  }
  const replica& core() const { return *core_; }
  cluster_report report() const { return core_->report(now()); }
  knowledge knows() const;
  std::uint64_t line() const noexcept { return line_; }
  bool counts_in(origin_id who) const;
  const member& self() const noexcept;

  // -- replica_port
  // ------------------------------------------------------------
  void send(origin_id peer, std::string bytes) override;
  void cut(origin_id peer, std::string_view why, bool faulty) override;
  void merge(std::size_t shard, remote_changes part) override;
  void read_backlog(const backlog_request& wanted) override;
  void save_cursor(origin_id peer, position acknowledged,
                   const run_record& met) override;
  void save_fact(fact which, std::uint64_t value) override;
  void add_run(const run_record& run, origin_id peer) override;
  void mark(std::uint64_t hlc) override;
  void set_line(std::uint64_t line, std::uint64_t collect_upto) override;
  void list(std::uint64_t token, std::vector<std::uint32_t> leaves) override;
  void compare(leaf_comparison with) override;
  void reconcile(repair_changes with) override;
  void save_identity(const cluster_identity& who, bool founder) override;
  void note_stranger(origin_id peer, const cluster_identity& own,
                     const cluster_identity& theirs, bool gives_way) override;
  void note_lie(origin_id peer, std::uint64_t line,
                std::uint64_t mark) override;
  void reissue_some(std::uint64_t restamp_upto,
                    const std::string& after) override;
  void rejoin(const rejoin_plan& plan) override;
  void answer(std::uint64_t ticket, std::size_t members_reached,
              bool in_time) override;

  // -- shards_port
  // ------------------------------------------------------------
  void list(std::size_t shard, std::shared_ptr<const leaf_query> what) override;
  void compare(std::size_t shard,
               std::shared_ptr<const leaf_comparison> what) override;
  void reconcile(std::size_t shard, repair_changes part) override;
  void reissue_in(std::size_t shard, std::vector<reissue> part,
                  std::uint64_t restamp_upto) override;

private:
  class links_part;

  moment now() const;
  template <class F>
  void post(unsigned from, unsigned to, F what);
  void load();
  void start_timers();

  // the shards
  friend class sim_shard;
  template <class F>
  void to_shard(unsigned from, std::size_t index, F what);
  void await(unsigned from, quorum_wait wait);
  void listing_came(leaf_listing part);
  void difference_came(leaf_difference part);
  void reissue_done(const reissue_report& part);
  void learn(knowledge& what, std::string_view encoded) const;
  void judge_read(const sim_shard& part, unsigned key,
                  const panal::answer& reply);
  void judge_write(const table& keys, const knowledge& knew, unsigned key,
                   const operation& asked, const panal::answer& reply,
                   unix_ms asked_at);
  void judge_memory(const operation& asked, const panal::answer& reply,
                    bool is_full);
  bool knows_clears(const knowledge& what, const table& keys) const;
  void judge_commit(const change_batch& batch);
  void judge_run();

  // the journal
  void commit_soon();
  void commit();
  void tell_shards(const commit_report& report);
  template <class... What>
  void owe(unsigned from, What... what);
  void tell(const saved_notes& saved);
  void save_member(const member& who);
  void look_at_disk();

  // the membership
  void make_links(member self, const std::vector<member>& known);
  void beat();

  cluster& around_;
  std::size_t index_;
  sim_disk& disk_;
  life_id life_;
  node_options options_;
  const clock& wall_;
  hybrid_clock stamps_;
  node_gate gate_;
  node_conditions conditions_;
  digest_tree digests_{2};
  unreadable_keys unreadable_;
  std::uint64_t run_ = 0;
  std::vector<std::unique_ptr<sim_shard>> shards_;
  shard_rounds rounds_;
  std::unique_ptr<journal> journal_;
  std::optional<journal_care> care_;
  std::unique_ptr<links_part> links_;
  std::unique_ptr<replica> core_;
  std::map<std::uint64_t, quorum_wait> quorums_;
  std::uint64_t next_ticket_ = 0;
  bool commit_is_due_ = false;
  /// The disk was seen to know this run.
  bool run_is_noted_ = false;
  bool reborn_ = false;
  bool is_sound_ = true;
  /// The clock was found unsafe before the last tick.
  bool was_unsafe_ = false;
  /// Repair has compared, and may have dropped what is dead.
  bool has_dropped_ = false;
  std::uint64_t line_ = 0;
  std::string last_reissue_;
  std::map<unsigned, sim_time> fifo_;
};

} // namespace panal::sim
