// What must hold of a simulated cluster, on its way and at its end.

#include "tests/simulator/cluster_parts.hpp"

#include <algorithm>
#include <array>

namespace panal::sim {

unix_ms cluster::latest_wall() {
  for (const auto& m : machines_)
    latest_wall_ = std::max(latest_wall_, m.clock->now());
  return latest_wall_;
}

// Where identities change, what a line speaks of changes with them.
void cluster::judge_line(std::size_t at, std::uint64_t line) {
  drawn_ = std::max(drawn_, line);
  judge_drawing(at);
  // Who has lost a row holds less than it has said.
  if (had_twins_ || had_forgets_ || had_damage_)
    return;
  op_set held;
  std::vector<const machine*> counted;
  for (const auto& m : machines_)
    if (machines_[at].node->counts_in(m.disk->origin())) {
      counted.push_back(&m);
      held |= m.disk->knows.seen();
    }
  for_each(held & ~ops.traceless(), [&](op_id op) {
    // What a former identity has stamped, no line speaks of.
    const auto is_of = [&](const machine* m) {
      return m->disk->origin() == ops[op].name.origin;
    };
    if (std::ranges::none_of(counted, is_of))
      return;
    for (const auto* m : counted)
      if (ops[op].name.hlc <= line && ops[op].name.hlc > m->joined_above
          && !is_moot(ops, m->disk->knows.seen(), op))
        violated("line: " + machines_[at].name + " has drawn it above "
                 + describe(ops, op) + ", which " + m->name + " lacks");
  });
}

void cluster::judge_stamp(std::size_t at, const stamp& made) {
  if (had_twins_ || had_forgets_ || had_damage_)
    return;
  // Before it has met the others, it may have its past.
  const auto& by = machines_[at];
  if ((*by.disk->facts())[fact::settled] == 0 || by.lies)
    return;
  for (const auto& m : machines_)
    if (m.is_up() && m.node->line() >= made.hlc && !m.lies
        && m.node->counts_in(by.disk->origin())
        && is_one_cluster(at, static_cast<std::size_t>(&m - machines_.data())))
      violated("line: " + machines_[at].name + " commits a stamp below that of "
               + m.name);
}

// A directory that was never restored or copied, and whose disk has kept what
// it took, is nobody's old one.
void cluster::judge_rejoin(std::size_t at, std::string_view reason) {
  constexpr std::array<std::string_view, 3> of_others{
      "its data directory is an old one", "the members know another life of it",
      "another process has taken its identity over"};
  if (!had_twins_ && std::ranges::count(of_others, reason) > 0)
    violated("differing: " + machines_[at].name
             + " rejoins for no reason: " + std::string{reason});
}

/// Whether the disk has what the node has learnt of those whom it is linked
/// to, and takes what it is given.
bool cluster::has_noted_all(std::size_t index, std::string& why) {
  const auto& m = machines_[index];
  const auto wrong = m.node->conditions().stated();
  if (!wrong.empty()) {
    why = m.name + " is degraded: " + std::string{to_string(wrong[0].what)};
    return false;
  }
  const auto runs = m.disk->runs();
  const auto known = m.disk->members();
  for (const auto& who : m.node->report().members) {
    if (who.state != member_state::linked)
      continue;
    const auto of = runs->find(who.origin);
    const auto peer = std::ranges::find_if(machines_, [&](const machine& x) {
      return x.is_up() && x.disk->origin() == who.origin;
    });
    if (peer != machines_.end()
        && (of == runs->end() || of->second.back().id != peer->node->run())) {
      why = m.name + " has not noted the run of " + who.name;
      return false;
    }
    if (std::ranges::count(*known, who.origin, &member::origin) == 0) {
      why = m.name + " has not noted the member " + who.name;
      return false;
    }
  }
  return true;
}

std::size_t cluster::holders(op_id op) const {
  std::size_t count = 0;
  for (const auto& m : machines_)
    count += m.disk->knows.seen()[op] ? 1U : 0U;
  return count;
}

bool cluster::agrees(std::string& why) {
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    start(i);
    auto& node = *machines_[i].node;
    if (!node.serves()) {
      why = machines_[i].name + " does not serve";
      return false;
    }
    for (unsigned key = 0; key < keys_max; ++key) {
      const auto mine = node.look(key_name(key));
      const auto first = machines_[0].node->look(key_name(key));
      const bool same = (mine.code == errc::ok) == (first.code == errc::ok)
                        && mine.value == first.value
                        && mine.version == first.version;
      // A clock that was ahead has dropped what others may still show.
      if (had_skew_
          && (mine.code == errc::expired || first.code == errc::expired))
        continue;
      if (!same) {
        why = key_name(key) + " differs between n0 and " + machines_[i].name;
        return false;
      }
    }
    if (node.digest_root() != machines_[0].node->digest_root()) {
      why = "the digests of n0 and " + machines_[i].name + " differ";
      return false;
    }
    // What expired by a clock that was ahead is collected later.
    if (options_.pushes && !had_skew_ && node.stubs() > 0) {
      why = machines_[i].name
            + " keeps stubs: " + std::string{node.report().line_blocked_by}
            + " " + std::string{node.report().line_blocked_why};
      return false;
    }
  }
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (!had_twins_ && !has_noted_all(i, why))
      return false;
  return true;
}

// What everybody must know: all that a disk holds, and all that was promised.
void cluster::judge_all() {
  knowledge must;
  for (const auto& m : machines_)
    must |= m.disk->knows.all();
  for_each(ops.promised() & ~ops.excused(),
           [&](op_id op) { must |= ops.knows(op); });
  for_each(ops.withdrawn(), [&](op_id op) { must |= ops.knows(op); });
  // What these had superseded does not come back with them gone.
  for_each(ops.lapsed(), [&](op_id op) { must |= ops.knows(op); });
  for (auto& m : machines_) {
    for (unsigned key = 0; key < keys_max; ++key) {
      const auto shown = m.node->look(key_name(key));
      std::optional<op_id> found;
      if (shown.code == errc::ok) {
        for_each(ops.about(key), [&](op_id op) {
          if (ops[op].what == deed::put && ops[op].value == shown.value
              && (!found || !must.dead[op]))
            found = op;
        });
        if (!found)
          return violated("invented: " + shown.value + " was never written");
        if (must.dead[*found] && !may_linger(*found))
          return violated("resurrected: " + describe(ops, *found)
                          + " is shown at " + m.name);
        const auto uncovered =
            judge_uncovered(ops, must, *found, m.clock->now() - 1'000);
        if (uncovered && !had_skew_)
          return violated(*uncovered + " at " + m.name);
        if (ops[*found].expires_at <= m.clock->now() - 1'000)
          return violated("expired: " + describe(ops, *found) + " is shown at "
                          + m.name);
      }
      const auto spared = alive(ops, must, key, latest_wall()) & ~ops.excused()
                          & ~ops.withdrawn();
      const auto least = greatest_version(ops, spared);
      const bool dropped_early = had_skew_ && shown.code == errc::expired;
      if (least && !dropped_early && (!found || ops[*found].version < *least))
        return violated("lost: version " + std::to_string(*least) + " of "
                        + key_name(key) + " does not show at " + m.name);
    }
  }
}

/// What each node thinks of the others; for a trace.
void cluster::describe_all() const {
  for (const auto& m : machines_) {
    if (!m.is_up())
      continue;
    const auto all = m.node->report();
    std::string text = m.name + ": last " + std::to_string(all.last) + " line "
                       + std::to_string(all.line) + ' '
                       + std::string{all.status} + " rounds "
                       + std::to_string(all.repair_rounds) + " differing "
                       + std::to_string(all.repair_differences) + " taken "
                       + std::to_string(all.repaired_keys);
    for (unsigned key = 0; key < 2; ++key)
      text.append(" ")
          .append(key_name(key))
          .append("=")
          .append(m.node->look(key_name(key)).value);
    text.append(" cleared ").append(std::to_string(m.node->cleared()));
    for (const auto& who : all.members)
      text += " | " + who.name + ' ' + std::string{to_string(who.state)}
              + " acked " + std::to_string(who.acknowledged) + " merged "
              + std::to_string(who.merged);
    say(text);
  }
}

} // namespace panal::sim
