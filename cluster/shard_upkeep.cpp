// What goes on in a shard beside its clients' operations: clear-alls on their
// way through all shards, sweeping, collecting, and walks for repair.

#include "cluster/shard.hpp"
#include "storage/mutant.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace panal {

namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;

/// Between two steps of sweeping: while there is more to do, and else by when
/// the next value expires.
constexpr auto sweep_pause_min = 2ms;
constexpr auto sweep_pause_idle = 100ms;
constexpr auto sweep_pause_max = 1'000ms;

/// Walks that wait at most; peers ask again later.
constexpr std::size_t walks_max = 16;

} // namespace

// -- clear-alls ---------------------------------------------------------------

void shard::spread_clears() {
  if (keys_->cleared() == spread_
      && keys_->durable_cleared() == spread_durable_)
    return;
  spread_ = keys_->cleared();
  spread_durable_ = keys_->durable_cleared();
  arrange_sweep();
  if (config_.shards == 1 || config_.index != clearing_shard)
    return;
  // What had to be given up for it waits for this one: it tells all that the
  // earlier one did.
  auto earlier =
      clears_.begin(++clear_token_, config_.shards - 1, steady_time::max());
  if (earlier)
    *clears_.find(clear_token_) = std::move(*earlier);
  port_.spread_clear({clear_token_, spread_, spread_durable_});
}

// The others take notices in one after the other, so whoever has taken in the
// newest knows of all.
void shard::answer_clears(held_clears waiting) {
  if (waiting.empty())
    return;
  if (auto* open = clears_.find(clear_token_);
      open != nullptr && !PANAL_MUTANT(clear_answered_before_it_is_spread)) {
    std::move(waiting.begin(), waiting.end(), std::back_inserter(*open));
    return;
  }
  std::vector<request_ptr> done;
  for (auto& clear : waiting)
    finish(std::move(clear.what), clear.wanted, clear.at, done);
  if (!done.empty())
    port_.answer(std::move(done));
}

void shard::take_clear(const clear_notice& what) {
  if (PANAL_MUTANT(clear_kept_from_the_others))
    return;
  keys_->set_cleared(what.at, false);
  keys_->set_cleared(what.durable, true);
  arrange_sweep();
}

void shard::clear_taken(std::uint64_t token) {
  if (auto whole = clears_.part_came(token))
    answer_clears(std::move(*whole));
}

// -- the line -----------------------------------------------------------------

void shard::set_line(std::uint64_t line, std::uint64_t collect_upto) {
  keys_->set_line(line);
  collect_upto_ = collect_upto;
  if (!collect_is_due_)
    collect();
  if (const auto wanted = keys_->wanted_line(); wanted > line)
    port_.want_line(wanted);
}

// Paced as sweeping is: a member that comes back lets many stubs go at once,
// and clients do not wait for that.
void shard::collect() {
  collect_is_due_ = false;
  const auto looked_at = keys_->collect(collect_upto_, config_.step_keys_max);
  hand_to_journal();
  if (looked_at < config_.step_keys_max)
    return;
  collect_is_due_ = true;
  port_.wake(shard_task::collect, sweep_pause_min);
}

// -- what goes on by itself ---------------------------------------------------

void shard::run(shard_task what) {
  switch (what) {
  case shard_task::sweep:
    return sweep();
  case shard_task::retry:
    return retry();
  case shard_task::walk:
    return walk_step();
  case shard_task::collect:
    return collect();
  }
}

void shard::sweep() {
  sweep_is_due_ = false;
  keys_->sweep(config_.step_keys_max);
  keys_->purge(config_.step_keys_max);
  hand_to_journal();
  arrange_sweep();
}

void shard::arrange_sweep() {
  const auto next = keys_->next_expiry();
  if (sweep_is_due_ || (next == never && !keys_->purges()))
    return;
  sweep_is_due_ = true;
  const milliseconds wait{keys_->purges() ? 0 : next - keys_->now()};
  port_.wake(shard_task::sweep,
             wait <= 0ms ? sweep_pause_min
                         : std::clamp<milliseconds>(wait, sweep_pause_idle,
                                                    sweep_pause_max));
}

void shard::list(const leaf_query& query) {
  if (config_.digests != nullptr && walks_.size() < walks_max)
    walks_.emplace_back(query.leaves, query.token, *config_.digests,
                        config_.digest_secret);
  arrange_walk();
}

void shard::compare(const leaf_comparison& with) {
  if (config_.digests != nullptr && walks_.size() < walks_max)
    walks_.emplace_back(with, *config_.digests, config_.digest_secret);
  arrange_walk();
}

void shard::arrange_walk() {
  if (!walks_.empty() && !std::exchange(walk_is_due_, true))
    port_.wake(shard_task::walk, 0ms);
}

void shard::walk_step() {
  walk_is_due_ = false;
  if (walks_.empty())
    return;
  auto& walk = walks_.front();
  if (!walk.step(*keys_)) {
    finish_walk(walk);
    walks_.pop_front();
  }
  arrange_walk();
}

void shard::finish_walk(leaf_walk& walk) {
  if (!walk.is_comparison())
    return port_.listed({walk.token(), std::move(walk.listed())});
  leaf_difference found{walk.token(), walk.settle(*keys_), walk.found_more()};
  hand_to_journal();
  port_.compared(std::move(found));
}

} // namespace panal
