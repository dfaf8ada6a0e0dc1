// A clear-all goes through every shard.

#include "tests/simulator/sim_node_parts.hpp"

#include <utility>

namespace panal::sim {

void sim_node::start_clear(operation op, reply_to to) {
  if (around_.ops.is_full())
    return;
  const auto at = shards_[0].keys->clear_stamp();
  accepted made;
  made.what = deed::clear;
  made.key = every_key;
  made.name = at;
  for (const auto& part : shards_)
    made.past |= part.mem.seen;
  auto job = std::make_shared<clearing>();
  job->left = shards_.size();
  job->op = op;
  job->to = std::move(to);
  job->what.op = around_.ops.add(made);
  if (!job->what.op)
    return around_.shares_stamps();
  for (std::size_t i = 0; i < shards_.size(); ++i)
    post(first_shard, first_shard + static_cast<unsigned>(i),
         [this, i, at, job] { clear_at(i, at, job); });
}

void sim_node::clear_at(std::size_t index, const stamp& at,
                        std::shared_ptr<clearing> job) {
  auto& part = shards_[index];
  const auto out = part.keys->clear(at, job->op);
  if (out.reply.code != errc::ok)
    return clear_done(job, out.reply.code, 0);
  stage(index, part.keys->last_number(), around_.ops.knows(*job->what.op));
  hand_to_journal(index);
  held item;
  item.after = out.after;
  item.then = [this, job](bool durable) {
    clear_done(job, durable ? errc::ok : errc::storage_failed, 0);
  };
  hold(index, std::move(item));
}

void sim_node::clear_done(std::shared_ptr<clearing> job, errc code, position) {
  if (code != errc::ok)
    job->code = code;
  if (--job->left > 0)
    return;
  job->what.reply.code = job->code;
  job->what.reply.reached = write_level::disk;
  job->to(job->what);
}

} // namespace panal::sim
