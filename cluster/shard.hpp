#pragma once

// A shard: owns the keys whose hash picks it. Its table decides about each of
// them; the shard holds answers back until the journal has committed what they
// rest on, sees a clear-all through all shards, and does in bounded steps what
// goes on by itself: sweeping, purging, collecting, walks for repair.
//
// A clear-all is decided once, by the first shard, and is one row of the
// journal: it happens whole or not at all. When that row is durable the others
// are told, and when all of them have taken it in, it is answered.
//
//   decided -> committed -> spread to the other shards -> taken in -> answered

#include "cluster/leaf_walk.hpp"
#include "cluster/node_load.hpp"
#include "cluster/round.hpp"
#include "cluster/shard_port.hpp"
#include "cluster/waiting_line.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace panal {

struct shard_config {
  /// This shard's number, and how many there are.
  std::size_t index = 0;
  std::size_t shards = 1;
  /// What peers compare; none where there are no peers. Outlives the shard.
  const digest_tree* digests = nullptr;
  std::uint64_t digest_secret = 0;
  /// Keys that one step of what goes on by itself looks at.
  std::size_t step_keys_max = 256;
};

/// Not thread-safe; owned by one shard actor.
class shard {
public:
  /// @param port  outlives the shard.
  shard(const shard_config& config, table_ptr keys, shard_port& port);

  /// Clients' operations. Each is answered exactly once: now, when what it
  /// rests on is durable, or by the members (port.await_members).
  void apply(std::vector<request_ptr> asked);
  /// A peer's changes; port.merged() follows when they are durable.
  void merge(const remote_changes& part);
  /// A peer's state of keys in which the two differ.
  void reconcile(const repair_changes& with);
  /// Writes of an earlier incarnation; port.reissued() follows.
  /// @param restamp_upto  see `fact`.
  void reissue_all(const std::vector<reissue>& writes,
                   std::uint64_t restamp_upto);

  /// Rows on disk were found damaged while the node runs: what is held of their
  /// keys is stored anew.
  void rewrite(const std::vector<damaged_row>& rows);

  /// From the journal.
  void committed(const commit_note& result);
  /// Everything stamped up to `hlc` is handed to the journal before this.
  void mark(std::uint64_t hlc);
  /// Everything up to `line` is merged by all members; stubs up to
  /// `collect_upto` may go.
  void set_line(std::uint64_t line, std::uint64_t collect_upto);

  /// The clearing shard has decided.
  void take_clear(const clear_notice& what);
  /// A shard has taken this shard's notice in.
  void clear_taken(std::uint64_t token);

  /// port.listed() and port.compared() follow.
  void list(const leaf_query& query);
  void compare(const leaf_comparison& with);

  /// What port.wake() has asked for.
  void run(shard_task what);
  /// Begins what goes on by itself; once, when the journal can be reached.
  void start();
  /// Answers all that is held: `unavailable`.
  void stop();

  std::size_t index() const noexcept { return config_.index; }
  const table& keys() const noexcept { return *keys_; }
  table& keys() noexcept { return *keys_; }

private:
  /// An answer that waits for a commit.
  struct held_reply {
    request_ptr what;
    /// The change that it waits for, and whose commits it waits for then.
    std::uint64_t after = 0;
    write_level wanted = write_level::memory;
  };
  /// A report that waits for a commit.
  struct held_report {
    remote_done merge;
    /// Set if it is one about writes issued anew.
    bool is_reissue = false;
    reissue_report reissue;
  };
  /// A clear-all that is decided, and waits for the other shards.
  struct held_clear {
    request_ptr what;
    write_level wanted = write_level::memory;
    position at = 0;
  };
  using held_clears = std::vector<held_clear>;

  outcome issue(const reissue& write, std::uint64_t restamp_upto);
  void hand_to_journal();
  void failed(const commit_note& result);
  void release(const commit_note& result, std::vector<held_reply> replies);
  void refuse(std::vector<held_reply> replies, errc code);
  void finish(request_ptr what, write_level wanted, position at,
              std::vector<request_ptr>& done);
  void report(errc code, std::vector<held_report> reports);
  void report_when_durable(std::uint64_t after, held_report what);
  /// Tells the others what has come into effect.
  void spread_clears();
  /// Answers once the others know of all that has come into effect.
  void answer_clears(held_clears waiting);

  void sweep();
  void collect();
  void retry();
  void walk_step();
  void finish_walk(leaf_walk& walk);
  void arrange_sweep();
  void arrange_walk();

  shard_config config_;
  table_ptr keys_;
  shard_port& port_;
  waiting_line<held_reply> replies_;
  waiting_line<held_report> reports_;
  rounds<held_clears> clears_;
  std::uint64_t clear_token_ = 0;
  stamp spread_;
  stamp spread_durable_;
  std::deque<leaf_walk> walks_;
  bool sweep_is_due_ = false;
  bool walk_is_due_ = false;
  bool collect_is_due_ = false;
  std::uint64_t collect_upto_ = 0;
};

} // namespace panal
