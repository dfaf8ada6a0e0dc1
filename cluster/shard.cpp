#include "cluster/shard.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

using namespace std::chrono_literals;

/// How long writes at `memory` durability wait before they try the disk again.
constexpr auto resend_pause = 200ms;

/// Clear-alls whose spreading is under way at once. Shards answer within one
/// message, so more are only those of a node that stops.
constexpr std::size_t clears_max = 4'096;

/// The position of a shard's change, which is one of these batches'.
position position_of(const commit_note& result, std::uint64_t number) {
  for (const auto& batch : result.batches)
    if (number >= batch->first_number && number <= batch->last_number())
      return batch->changes[number - batch->first_number].at;
  return 0;
}

} // namespace

shard::shard(const shard_config& config, table_ptr keys, shard_port& port)
    : config_{config},
      keys_{std::move(keys)},
      port_{port},
      clears_{clears_max},
      spread_{keys_->cleared()},
      spread_durable_{keys_->durable_cleared()} {
  // nop
}

void shard::start() {
  run(shard_task::sweep);
}

void shard::stop() {
  refuse(replies_.take_all(), errc::unavailable);
  std::vector<request_ptr> left;
  for (auto& waiting : clears_.give_up(steady_time::max()))
    for (auto& clear : waiting) {
      clear.what->reply = {};
      clear.what->reply.code = errc::unavailable;
      left.push_back(std::move(clear.what));
    }
  port_.answer(std::move(left));
}

void shard::apply(std::vector<request_ptr> asked) {
  std::vector<request_ptr> done;
  done.reserve(asked.size());
  held_clears clears;
  for (auto& item : asked) {
    const bool is_clear = item->op.what == verb::clear;
    auto out = is_clear ? keys_->clear(item->op) : keys_->apply(item->op);
    item->reply = std::move(out.reply);
    if (out.after != 0)
      replies_.add(out.after, {std::move(item), out.after, out.wanted});
    else if (is_clear && item->reply.code == errc::ok)
      clears.push_back({std::move(item), out.wanted, 0});
    else
      done.push_back(std::move(item));
  }
  if (!done.empty())
    port_.answer(std::move(done));
  hand_to_journal();
  spread_clears();
  answer_clears(std::move(clears));
}

void shard::merge(const remote_changes& part) {
  held_report held{{part.peer, part.ticket, errc::ok, 0, 0}, false, {}};
  auto& done = held.merge;
  std::uint64_t after = 0;
  for (const auto& what : part.changes) {
    const auto out = keys_->merge_remote(what.key, what.entry, part.peer);
    port_.took(what, out);
    if (out.set_aside)
      ++done.set_aside;
    else if (out.code != errc::ok && done.code != errc::corrupt)
      done.code = out.code;
    if (out.below_line)
      ++done.below_line;
    after = std::max(after, out.after);
  }
  report_when_durable(after, std::move(held));
}

void shard::reconcile(const repair_changes& with) {
  for (const auto& what : with.changes) {
    const auto out = with.mends ? keys_->mend(what.key, what.entry,
                                              with.their_line, with.peer)
                                : keys_->reconcile(what.key, what.entry,
                                                   with.their_line, with.peer);
    port_.took(what, out);
    if (out.code == errc::corrupt)
      port_.merged({with.peer, 0, errc::corrupt, 0, 0});
  }
  hand_to_journal();
  spread_clears();
}

void shard::rewrite(const std::vector<damaged_row>& rows) {
  for (const auto& row : rows) {
    if (row.what == damaged::entry && keys_->owns(row.key))
      keys_->rewrite(row.key);
    else if (row.what == damaged::key)
      keys_->rewrite_summed(row.key_sum);
  }
  hand_to_journal();
}

/// What becomes of one write; the first part that finds no room ends it.
outcome shard::issue(const reissue& write, std::uint64_t restamp_upto) {
  outcome last;
  last.reply.code = errc::corrupt;
  const auto old = decode(write.entry);
  if (!old)
    return last;
  std::uint64_t after = 0;
  for (const auto& part : keys_->parts_of(*old, restamp_upto)) {
    last = part.is_kept ? keys_->keep(write.key, part.state)
                        : keys_->reissue(write.key, part.state);
    after = std::max(after, last.after);
    hand_to_journal();
    port_.issued(write.key, part, last);
    if (last.reply.code == errc::memory_full
        || last.reply.code == errc::overloaded)
      break;
  }
  last.after = after;
  return last;
}

void shard::reissue_all(const std::vector<reissue>& writes,
                        std::uint64_t restamp_upto) {
  held_report held{{}, true, {}};
  auto& done = held.reissue;
  std::uint64_t after = 0;
  for (const auto& write : writes) {
    const auto out = issue(write, restamp_upto);
    after = std::max(after, out.after);
    const auto code = out.reply.code;
    if (code == errc::memory_full || code == errc::overloaded) {
      done.left = true;
      continue;
    }
    ++(code == errc::ok ? done.issued : done.refused);
    done.keys.push_back(write.key);
  }
  report_when_durable(after, std::move(held));
}

void shard::report_when_durable(std::uint64_t after, held_report what) {
  hand_to_journal();
  spread_clears();
  if (after > keys_->durable_number())
    return reports_.add(after, std::move(what));
  std::vector<held_report> now;
  now.push_back(std::move(what));
  report(errc::ok, std::move(now));
}

void shard::committed(const commit_note& result) {
  if (result.code != errc::ok)
    return failed(result);
  for (const auto& batch : result.batches)
    keys_->committed(*batch);
  spread_clears();
  release(result, replies_.take_until(keys_->durable_number()));
  report(errc::ok, reports_.take_until(keys_->durable_number()));
  arrange_sweep();
}

void shard::failed(const commit_note& result) {
  if (result.epoch < keys_->epoch())
    return; // that failure has been dealt with
  keys_->failed();
  if (keys_->retries())
    return port_.wake(shard_task::retry, resend_pause);
  refuse(replies_.take_all(), result.code);
  report(result.code, reports_.take_all());
}

void shard::retry() {
  for (auto& batch : keys_->take_again())
    port_.journal(std::move(batch), keys_->epoch());
  hand_to_journal();
}

// What has been stamped up to `hlc` is on its way to the journal, ahead of
// this; but not what waits to be sent again.
void shard::mark(std::uint64_t hlc) {
  if (!keys_->waits_for_retry())
    port_.mark(keys_->epoch(), hlc);
}

void shard::hand_to_journal() {
  if (auto batch = keys_->take_batch())
    port_.journal(std::move(batch), keys_->epoch());
}

void shard::release(const commit_note& result,
                    std::vector<held_reply> replies) {
  std::vector<request_ptr> done;
  held_clears clears;
  for (auto& held : replies) {
    const auto at = position_of(result, held.after);
    if (held.what->op.what == verb::clear)
      clears.push_back({std::move(held.what), held.wanted, at});
    else
      finish(std::move(held.what), held.wanted, at, done);
  }
  if (!done.empty())
    port_.answer(std::move(done));
  answer_clears(std::move(clears));
}

void shard::finish(request_ptr what, write_level wanted, position at,
                   std::vector<request_ptr>& done) {
  const bool waits =
      what->reply.code == errc::ok && at != 0 && wanted >= write_level::quorum;
  if (waits)
    port_.await_members({at, wanted, std::move(what)});
  else
    done.push_back(std::move(what));
}

void shard::refuse(std::vector<held_reply> replies, errc code) {
  std::vector<request_ptr> done;
  for (auto& held : replies) {
    held.what->reply = {};
    held.what->reply.code = code;
    done.push_back(std::move(held.what));
  }
  if (!done.empty())
    port_.answer(std::move(done));
}

void shard::report(errc code, std::vector<held_report> reports) {
  for (auto& held : reports) {
    if (held.is_reissue) {
      if (code != errc::ok) {
        held.reissue = {};
        held.reissue.left = true;
      }
      port_.reissued(std::move(held.reissue));
      continue;
    }
    if (code != errc::ok)
      held.merge.code = code;
    port_.merged(held.merge);
  }
}

} // namespace panal
