// Clients of simulated nodes, and what is judged of their answers.

#include "tests/simulator/cluster_parts.hpp"

namespace panal::sim {

namespace {

/// Nothing that is known of its key is concurrent with it, or came after it.
bool stands_alone(const history& all, const op_set& known, op_id op) {
  return (known & all.about(all[op].key) & ~all[op].past).count() == 1;
}

} // namespace

void cluster::client_step() {
  auto& r = around.random;
  if (healing_ || asked_ >= weather_.operations)
    return;
  around.at(
      around.now()
          + r.between(0, 2 * weather_.length
                             / static_cast<sim_time>(weather_.operations)),
      nature, [this] { client_step(); });
  ++asked_;
  const auto at = r.below(machines_.size());
  auto& m = machines_[at];
  if (!m.is_up())
    return;
  operation op;
  const auto key = static_cast<unsigned>(r.below(weather_.keys));
  op.key = key_name(key);
  const auto dice = r.below(100);
  if (r.chance(weather_.clears)) {
    op.what = verb::clear;
  } else if (dice < 55) {
    op.what = verb::put;
    auto& counter = versions_[key];
    op.version = r.chance(0.75) ? ++counter : r.between(0, counter + 1);
    op.value = numbered('v', asked_) + draw_padding();
    if (r.chance(weather_.ttl))
      op.ttl_ms = r.between(100, 4'000);
  } else if (dice < 72) {
    op.what = verb::remove;
  } else {
    op.what = verb::get;
  }
  if (weather_.levels && op.what != verb::get && r.chance(0.5))
    op.level = static_cast<write_level>(r.below(5));
  m.node->ask(op, key, [this, at, op, key](const client_answer& came) {
    judge_answer(at, op, key, came);
  });
}

void cluster::judge_answer(std::size_t at, const operation& asked, unsigned key,
                           const client_answer& came) {
  auto& m = machines_[at];
  const auto& reply = came.reply;
  if (verbose_)
    say(m.name + " answers " + std::to_string(static_cast<int>(asked.what))
        + " " + asked.key + " v" + std::to_string(asked.version) + ": "
        + std::string{to_string(reply.code)}
        + (came.op ? " as op " + std::to_string(*came.op) + " @"
                         + std::to_string(ops[*came.op].name.hlc) + " ttl "
                         + std::to_string(asked.ttl_ms)
                         + (ops[*came.op].kills ? " kills" : "")
                   : ""));
  const auto durable = m.disk->knows.all();
  const bool writes = asked.what != verb::get;
  if (writes && reply.code == errc::ok) {
    const auto wanted = asked.level.value_or(write_level::disk);
    if (wanted == write_level::memory)
      return;
    // The answer of a node that has given its state up since may still be on
    // its way: the write is among those to be issued anew.
    const bool reborn = m.node && m.node->is_reborn();
    if (!durable.seen[*came.op] && !reborn)
      return violated("early: " + describe(ops, *came.op)
                      + " was answered before it was committed");
    ops.promise(*came.op);
    if (reply.reached == write_level::sync)
      ops.flush(*came.op);
    // What was superseded on the way is held by nobody any more.
    knowledge all;
    for (const auto& x : machines_)
      all |= x.disk->knows.all();
    if (reply.reached >= write_level::quorum && asked.what == verb::put
        && !rolled_back_[*came.op] && asked.ttl_ms == 0
        && holders(*came.op) < reply.members_reached
        && stands_alone(ops, all.seen, *came.op))
      violated("early: " + describe(ops, *came.op) + " is said to be at "
               + std::to_string(reply.members_reached) + " members");
    return;
  }
  if (asked.what == verb::get && reply.code == errc::ok) {
    bool held = false;
    for_each(ops.about(key), [&](op_id op) {
      const auto& x = ops[op];
      held = held
             || (x.what == deed::put && x.value == reply.value
                 && durable.seen[op]);
    });
    if (!held && !(m.node && m.node->is_reborn()))
      violated("early: " + reply.value + " was read before it was committed");
  }
  if (asked.what == verb::put && reply.code == errc::stale_version)
    if (auto wrong =
            judge_refusal(ops, m.node ? m.node->knows() : durable, key,
                          asked.version, reply.version, m.clock->now() - 5'000))
      if (wrong->find("is above") != std::string::npos)
        violated(*wrong);
}

} // namespace panal::sim
