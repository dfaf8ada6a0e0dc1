// What is judged while a simulated node runs.

#include "tests/simulator/sim_node_parts.hpp"

namespace panal::sim {

void sim_node::learn(knowledge& what, std::string_view encoded) const {
  const auto note = [&](const stamp& at) {
    if (const auto op = around_.ops.find(at))
      what |= around_.ops.knows(*op);
  };
  note(floor_of(encoded));
  put_headers puts{encoded};
  for (put_header put; puts.next(put);)
    note(put.at);
}

/// An entry may come before the clear-all that it was written after: that has
/// a row of its own, which a later clear-all moves.
bool sim_node::knows_clears(const knowledge& what, const table& keys) const {
  for (op_id op = 0; op < around_.ops.size(); ++op) {
    const auto& x = around_.ops[op];
    if (what.seen[op] && x.what == deed::clear && x.name > keys.cleared())
      return false;
  }
  return true;
}

void sim_node::judge_read(const sim_shard& part, unsigned key,
                          const panal::answer& reply) {
  if (!knows_clears(part.mem, part.core.keys()))
    return;
  // A write that was issued anew is there twice.
  std::optional<op_id> dead;
  std::optional<op_id> found;
  for (op_id op = 0; op < around_.ops.size(); ++op) {
    const auto& x = around_.ops[op];
    if (x.what != deed::put || x.key != key || x.value != reply.value)
      continue;
    (part.mem.dead[op] ? dead : found) = op;
  }
  if (found) {
    const auto wrong =
        judge_uncovered(around_.ops, part.mem, *found, wall_.now() - 5);
    if (wrong && !around_.has_skew())
      around_.violated(*wrong);
  } else if (dead && !around_.may_linger(*dead))
    around_.violated("resurrected: " + describe(around_.ops, *dead)
                     + " was read");
}

/// Judges the answer by what the shard knew when it gave it.
void sim_node::judge_write(const table& keys, const knowledge& knew,
                           unsigned key, const operation& asked,
                           const panal::answer& reply, unix_ms asked_at) {
  std::optional<std::string> wrong;
  if (!knows_clears(knew, keys))
    return;
  if (reply.code == errc::stale_version)
    wrong = judge_refusal(around_.ops, knew, key, asked.version, reply.version,
                          asked_at);
  // What repair has dropped is gone, though its delete is not known yet.
  if (reply.code == errc::ok && asked.what == verb::put && !has_dropped_)
    wrong =
        judge_put(around_.ops, knew, key, asked.version, around_.latest_wall());
  if (wrong)
    return around_.violated(*wrong);
  if (reply.code == errc::ok && was_unsafe_
      && core_->clock() == clock_state::unsafe)
    around_.violated("unsafe: written though the clock is far off");
}

/// Who has no room says so to puts alone, and takes none.
void sim_node::judge_memory(const operation& asked, const panal::answer& reply,
                            bool is_full) {
  if (asked.what == verb::put && reply.code == errc::ok && is_full)
    around_.violated("memory: a put was taken over the limit");
  if (reply.code == errc::memory_full && (asked.what != verb::put || !is_full))
    around_.violated("memory: refused, though there is room");
}

/// Nothing may come to be below a line.
void sim_node::judge_commit(const change_batch& batch) {
  const auto judge = [&](const stamp& at) {
    const auto op = around_.ops.find(at);
    if (at.origin == origin() && op && !disk_.knows.of[batch.shard].seen[*op])
      around_.judge_stamp(index_, at);
  };
  for (const auto& what : batch.changes) {
    if (what.source != own_change)
      continue;
    judge(floor_of(what.entry));
    put_headers puts{what.entry};
    for (put_header put; puts.next(put);)
      judge(put.at);
  }
}

/// Nothing may be committed in a run that the disk does not know.
void sim_node::judge_run() {
  if (run_is_noted_)
    return;
  const auto runs = disk_.runs();
  const auto own = runs->find(own_change);
  run_is_noted_ = own != runs->end() && own->second.back().id == run_;
  if (!run_is_noted_)
    around_.violated("differing: " + self().name
                     + " commits before its run is saved");
}

} // namespace panal::sim
