#pragma once

// A shard of a simulated node: the shipped class (cluster/shard.hpp), what the
// checks know of it, and a port that turns its calls into the world's events.

#include "cluster/shard.hpp"
#include "tests/simulator/history.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace panal::sim {

class sim_node;

/// What became of a client's operation; `op` if it was accepted.
struct client_answer {
  answer reply;
  std::optional<op_id> op;
};

using reply_to = std::function<void(const client_answer&)>;

/// A simulated client's request.
struct sim_request final : request {
  sim_request(operation wanted, unsigned key_number, reply_to answer_to)
      : request{std::move(wanted)}, key{key_number}, to{std::move(answer_to)} {}

  unsigned key = 0;
  reply_to to;
  /// What it asked for: of `op` the shard takes what it needs.
  operation asked;
  /// The operation of the history that it came to be.
  std::optional<op_id> made;
};

class sim_shard final : public shard_port {
public:
  sim_shard(sim_node& around, const shard_config& config, table_ptr keys,
            const knowledge& on_disk);

  shard core;
  /// What the shard has merged, as decisions see it.
  knowledge mem;
  /// The newest change that the disk has, also if the shard has not heard.
  std::uint64_t committed = 0;

  /// A client's operation, judged by what the shard knew when it answered.
  void ask(std::unique_ptr<sim_request> what);
  /// The journal has committed or refused.
  void note(const commit_note& result);
  void take_clear(const clear_notice& what, const knowledge& of);
  /// What of the staged knowledge is on disk when all up to `number` is.
  knowledge take_staged(std::uint64_t number);

  // -- shard_port -------------------------------------------------------------
  void journal(change_batch_ptr batch, std::uint64_t epoch) override;
  void mark(std::uint64_t epoch, std::uint64_t hlc) override;
  void answer(std::vector<request_ptr> done) override;
  void await_members(quorum_wait wait) override;
  void merged(const remote_done& part) override;
  void reissued(reissue_report part) override;
  void want_line(std::uint64_t hlc) override;
  void listed(leaf_listing part) override;
  void compared(leaf_difference part) override;
  void spread_clear(const clear_notice& what) override;
  void wake(shard_task what, std::chrono::milliseconds pause) override;
  void took(const change& what, const merge_outcome& out) override;
  void issued(const std::string& name, const left_part& what,
              const outcome& out) override;

private:
  void judge(sim_request& item, unix_ms asked_at, const knowledge& knew);
  void judge_clear(const sim_request& item) const;
  void record(sim_request& item, unix_ms asked_at);
  void record_clear(sim_request& item);
  void record_reissue(const std::string& name, const entry& old,
                      const outcome& out);
  void record_kept(const entry& held, const outcome& out);
  /// Knowledge that is durable when the change of this number is.
  void stage(std::uint64_t number, const knowledge& what);
  void stage_on_disk(std::uint64_t number, const knowledge& what);
  void stage_clear(std::uint64_t number, const knowledge& what);
  void clears_in_effect();
  unsigned place() const;

  sim_node& node_;
  /// Staged, by the change that it comes with.
  std::multimap<std::uint64_t, knowledge> staged_;
  std::multimap<std::uint64_t, knowledge> staged_clears_;
  /// The clear-alls that have come into effect here.
  knowledge clears_;
  /// The batch that the present call has handed over.
  change_batch_ptr handed_;
  /// What the present call has answered at once.
  std::vector<request_ptr> answered_;
  bool asking_ = false;
  std::vector<op_id> issued_;
};

} // namespace panal::sim
