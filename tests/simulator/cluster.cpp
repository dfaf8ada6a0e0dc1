#include "tests/simulator/cluster.hpp"

#include "storage/key_hash.hpp"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace panal::sim {

namespace {

/// Clocks that agree this well are right for the checks of the end.
constexpr sim_time patience = 180 * second;
constexpr sim_time poll_pause = 500 * millisecond;
constexpr sim_time after_agreement = 4 * second;

/// A letter and a number (g++ 12 warns of `"k" + std::to_string(n)`).
std::string numbered(char letter, std::size_t number) {
  std::string text(1, letter);
  return text += std::to_string(number);
}

std::string key_name(unsigned key) {
  return numbered('k', key);
}

void for_each(const op_set& set, auto visit) {
  for (auto op = set._Find_first(); op < set.size(); op = set._Find_next(op))
    visit(op);
}

/// For a trace: what a frame says; nothing of those that only keep a link.
std::string describe_frame(std::string_view bytes) {
  const auto said = decode_frame(bytes);
  if (!said)
    return "no frame";
  if (const auto* x = std::get_if<changes_frame>(&*said))
    return "changes after " + std::to_string(x->after) + " up to "
           + std::to_string(x->upto) + ", " + std::to_string(x->items.size())
           + ", acknowledged " + std::to_string(x->acknowledged);
  if (const auto* x = std::get_if<ack_frame>(&*said))
    return "ack " + std::to_string(x->upto);
  if (const auto* x = std::get_if<mark_frame>(&*said))
    return "mark at " + std::to_string(x->at) + ", acknowledged "
           + std::to_string(x->acknowledged);
  if (std::holds_alternative<greeting_frame>(*said))
    return "greeting";
  if (std::holds_alternative<accept_frame>(*said))
    return "accept";
  return {};
}

/// Nothing that is known of its key is concurrent with it, or came after it.
bool stands_alone(const history& all, const op_set& known, op_id op) {
  return (known & all.about(all[op].key) & ~all[op].past).count() == 1;
}

} // namespace

cluster::cluster(std::uint64_t seed, bool verbose)
    : around{seed}, seed_{seed}, verbose_{verbose} {
  draw_weather();
}

cluster::~cluster() = default;

void cluster::say(const std::string& what) const {
  if (verbose_)
    std::printf("%10.3f ms  %s\n", static_cast<double>(around.now()) / 1e3,
                what.c_str());
}

void cluster::violated(std::string what) {
  say("VIOLATION " + what);
  if (violation_.empty())
    violation_ = std::move(what);
}

void cluster::shares_stamps() {
  // So can a restart with an earlier clock, of writes that failed before.
  if (had_twins_ || had_skew_)
    is_void_ = true;
  else
    violated("differing: one stamp names two writes");
}

void cluster::draw_weather() {
  auto& r = around.random;
  auto& w = weather_;
  if (r.chance(0.6)) {
    w.loss = r.chance(0.5) ? static_cast<double>(r.below(31)) / 100 : 0;
    w.duplicates = r.chance(0.5) ? static_cast<double>(r.below(51)) / 100 : 0;
    w.reorders = r.chance(0.5) ? 0.3 : 0;
    w.replays = r.chance(0.4) ? 0.05 : 0;
  }
  w.delay_max = r.chance(0.3) ? 300 * millisecond : 5 * millisecond;
  w.length = r.between(2, 7) * second;
  w.operations = 30 + r.below(60);
  w.keys = static_cast<unsigned>(2 + r.below(4));
  w.ttl = r.chance(0.7) ? 0.3 : 0;
  w.clears = r.chance(0.3) ? 0.04 : 0;
  w.faults = r.below(9);
  w.skew = r.chance(0.35);
  w.restores = r.chance(0.2);
  w.copies = r.chance(0.08);
  // Not both: what only a copy and a member hold, and the member is forgotten
  // while it is alive, is gone (docs/reliability.md).
  w.forgets = r.chance(0.12) && !w.copies;
  w.levels = r.chance(0.3);
  had_skew_ = w.skew;
  had_expiries_ = w.ttl > 0; // stubs go at different times, and are compared
  had_twins_ = w.copies || w.restores;
  had_forgets_ = w.forgets;
  options_.shards = r.chance(0.25) ? 2 : 1;
  options_.pushes = !r.chance(0.06);
  const auto count = r.chance(0.85) ? 3 : r.chance(0.7) ? 2 : 4 + r.below(4);
  for (std::size_t i = 0; i < count; ++i)
    add_machine(std::make_unique<sim_disk>(fresh_origin()));
}

origin_id cluster::fresh_origin() {
  // In any order, so that who dials whom differs.
  return (around.random() << 8) | ++next_origin_;
}

void cluster::add_machine(std::unique_ptr<sim_disk> disk) {
  machine fresh;
  const auto index = machines_.size();
  fresh.address = numbered('m', index) + ":1";
  fresh.name = numbered('n', index);
  fresh.disk = std::move(disk);
  fresh.clock = std::make_unique<sim_clock>(around);
  machines_.push_back(std::move(fresh));
}

void cluster::start(std::size_t index) {
  auto& m = machines_[index];
  if (m.is_up())
    return;
  m.refused.clear();
  m.node =
      std::make_unique<sim_node>(*this, index, *m.disk, *m.clock, options_);
  if (m.node->is_sound())
    return say(m.name + " starts");
  crash(index);
  around.at(around.now() + 300 * millisecond, nature,
            [this, index] { start(index); });
}

void cluster::crash(std::size_t index) {
  auto& m = machines_[index];
  if (!m.is_up())
    return;
  say(m.name + " crashes");
  m.node->die();
  graves_.push_back(std::move(m.node));
  std::vector<std::uint64_t> broken;
  for (const auto& [id, c] : connections_)
    if (c.a == index || c.b == index)
      broken.push_back(id);
  for (const auto id : broken)
    close(id);
}

void cluster::restart(std::size_t index) {
  around.at(around.now() + 5 * millisecond, nature, [this, index] {
    crash(index);
    start(index);
  });
}

unix_ms cluster::latest_wall() {
  for (const auto& m : machines_)
    latest_wall_ = std::max(latest_wall_, m.clock->now());
  return latest_wall_;
}

// Where identities change, what a line speaks of changes with them.
void cluster::judge_line(std::size_t at, std::uint64_t line) {
  drawn_ = std::max(drawn_, line);
  if (had_twins_ || had_forgets_)
    return;
  op_set held;
  std::vector<const machine*> counted;
  for (const auto& m : machines_)
    if (machines_[at].node->counts_in(m.disk->origin())) {
      counted.push_back(&m);
      held |= m.disk->knows.seen();
    }
  for_each(held, [&](op_id op) {
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
  if (had_twins_ || had_forgets_)
    return;
  // Before it has met the others, it may have its past.
  if ((*machines_[at].disk->facts())[fact::settled] == 0)
    return;
  for (const auto& m : machines_)
    if (m.is_up() && m.node->line() >= made.hlc
        && m.node->counts_in(made.origin))
      violated("line: " + machines_[at].name + " commits a stamp below that of "
               + m.name);
}

std::size_t cluster::holders(op_id op) const {
  std::size_t count = 0;
  for (const auto& m : machines_)
    count += m.disk->knows.seen()[op] ? 1U : 0U;
  return count;
}

op_set cluster::named_in(std::string_view encoded) const {
  op_set found;
  const auto note = [&](const stamp& at) {
    if (const auto op = ops.find(at))
      found.set(*op);
  };
  note(floor_of(encoded));
  put_headers puts{encoded};
  for (put_header put; puts.next(put);)
    note(put.at);
  return found;
}

void cluster::excuse_rollback(std::size_t index, const op_set& kept) {
  op_set elsewhere = kept;
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (i != index)
      elsewhere |= machines_[i].disk->knows.seen();
  auto held = machines_[index].disk->knows.seen();
  for (const auto& write : *machines_[index].disk->reissues())
    held |= named_in(write.entry);
  rolled_back_ |= held & ~kept;
  for_each(held & ~elsewhere, [this](op_id op) { ops.excuse(op); });
}

void cluster::excuse_rebirth(std::size_t index, const op_set& held,
                             const op_set& kept, origin_id own) {
  rolled_back_ |= held & ~kept;
  op_set elsewhere = kept;
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (i != index)
      elsewhere |= machines_[i].disk->knows.seen();
  for_each(ops.promised() & ~elsewhere, [&](op_id op) {
    if (ops[op].name.origin != own)
      ops.excuse(op);
  });
}

// -- the network
// ------------------------------------------------------------------

std::size_t cluster::find(const std::string& address) const {
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (machines_[i].address == address)
      return i;
  return machines_.size();
}

// The handshake's outcome, as cluster/handshake has it.
void cluster::dial(std::size_t from, const std::string& address) {
  const auto to = find(address);
  auto& r = around.random;
  const auto life = machines_[from].node->life();
  around.at(around.now() + r.between(200, 3'000), nature, [=, this] {
    auto& a = machines_[from];
    if (!a.is_up() || a.node->life() != life)
      return;
    const bool reaches = to < machines_.size() && machines_[to].is_up()
                         && !is_cut(from, to) && !is_cut(to, from);
    if (!reaches || to == from) {
      say(a.name + " dials " + address + " in vain");
      return a.node->dial_failed(address);
    }
    auto& b = machines_[to];
    const auto origin_a = a.node->origin();
    const auto origin_b = b.node->origin();
    if (origin_a == origin_b) {
      a.node->dial_failed(address);
      const auto run_a = a.node->run();
      a.node->told_copied(origin_b, b.node->run());
      b.node->told_copied(origin_a, run_a);
      return;
    }
    if (b.refused.contains({origin_a, a.node->run()})) {
      a.node->dial_failed(address);
      return a.node->told_copied(origin_b, b.node->run());
    }
    if (a.refused.contains({origin_b, b.node->run()}))
      return a.node->dial_failed(address);
    const auto who_a = a.node->self();
    const auto who_b = b.node->self();
    if (origin_a > origin_b) {
      say(a.name + " is introduced to " + b.name);
      a.node->introduced(who_b, b.node->run(), address);
      if (machines_[to].is_up())
        b.node->introduced(who_a, a.node->run(), {});
      return;
    }
    const auto id = ++next_link_;
    connections_[id] = {from, to, true};
    say("link " + std::to_string(id) + " from " + a.name + " to " + b.name);
    a.node->admitted(who_b, b.node->run(), id, address);
    b.node->admitted(who_a, a.node->run(), id, {});
  });
}

void cluster::refuse_copy(std::size_t at, origin_id who, std::uint64_t run) {
  machines_[at].refused.insert({who, run});
}

void cluster::close(std::uint64_t link) {
  const auto i = connections_.find(link);
  if (i == connections_.end())
    return;
  const auto ended = i->second;
  connections_.erase(i);
  say("link " + std::to_string(link) + " ends");
  for (const auto end : {ended.a, ended.b})
    around.at(around.now() + around.random.between(100, 2'000), nature,
              [this, end, link] {
                if (machines_[end].is_up())
                  machines_[end].node->link_gone(link);
              });
}

void cluster::send(std::size_t from, std::uint64_t link, std::string bytes) {
  const auto i = connections_.find(link);
  if (i == connections_.end())
    return;
  const auto to = i->second.a == from ? i->second.b : i->second.a;
  auto& r = around.random;
  if (is_cut(from, to) || r.chance(weather_.loss))
    return;
  const auto copies = r.chance(weather_.duplicates) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    auto delay = r.between(100, 2'000);
    if (r.chance(weather_.reorders))
      delay = r.between(100, weather_.delay_max);
    around.at(around.now() + delay, nature,
              [this, to, link, bytes] { deliver(to, link, bytes); });
  }
  if (weather_.replays > 0) {
    recent_.push_back({from, to, link, bytes});
    if (r.chance(weather_.replays)) {
      auto old = recent_[r.below(recent_.size())];
      // Also under the present link: nothing tells it apart then.
      if (r.chance(0.5) && old.from == from && old.to == to)
        old.link = link;
      around.at(around.now() + r.between(1'000, 3 * second), nature,
                [this, old] { deliver(old.to, old.link, old.bytes); });
    }
    if (recent_.size() > 64)
      recent_.erase(recent_.begin());
  }
}

void cluster::deliver(std::size_t to, std::uint64_t link,
                      const std::string& bytes) {
  auto& m = machines_[to];
  if (!m.is_up() || !connections_.contains(link))
    return;
  if (verbose_)
    if (const auto what = describe_frame(bytes); !what.empty())
      say(m.name + " gets over link " + std::to_string(link) + ": " + what);
  // The node's own events may be paused; the network goes on.
  around.at(around.now(), m.node->life(), [node = m.node.get(), link, bytes] {
    node->frame_came(link, bytes);
  });
}

// -- clients
// --------------------------------------------------------------------

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
    op.value = numbered('v', asked_);
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

// -- faults
// ------------------------------------------------------------------------

void cluster::cut_something() {
  auto& r = around.random;
  const auto a = r.below(machines_.size());
  const auto b = r.below(machines_.size());
  if (a == b)
    return;
  const bool one_way = r.chance(0.3);
  std::vector<std::pair<std::size_t, std::size_t>> cut{{a, b}};
  if (!one_way)
    cut.emplace_back(b, a);
  if (r.chance(0.3)) // one machine from all others, link after link
    for (std::size_t i = 0; i < machines_.size(); ++i)
      if (i != a) {
        cut.emplace_back(a, i);
        cut.emplace_back(i, a);
      }
  say("cut " + machines_[a].name + " " + machines_[b].name);
  const auto length = r.between(200 * millisecond, 4 * second);
  for (const auto& pair : cut) {
    const auto begin = around.now() + r.between(0, 300 * millisecond);
    around.at(begin, nature, [this, pair] {
      if (!healing_)
        cuts_.insert(pair);
    });
    around.at(begin + length, nature, [this, pair] { cuts_.erase(pair); });
  }
}

void cluster::restore_backup(std::size_t index) {
  auto& m = machines_[index];
  if (!m.backup)
    return;
  crash(index);
  excuse_rollback(index, m.backup->knows.seen());
  m.disk = m.backup->copy();
  say(m.name + " is restored from a backup");
  around.at(around.now() + 100 * millisecond, nature,
            [this, index] { start(index); });
}

void cluster::copy_directory(std::size_t index) {
  // One copy a world: see docs/reliability.md.
  if (std::exchange(has_copy_, true))
    return;
  say(machines_[index].name + " is copied");
  add_machine(machines_[index].disk->copy());
  start(machines_.size() - 1);
}

void cluster::fault_step() {
  auto& r = around.random;
  if (healing_)
    return;
  const auto index = r.below(machines_.size());
  auto& m = machines_[index];
  switch (r.below(14)) {
  case 0:
  case 1:
  case 2: {
    crash(index);
    around.at(around.now() + r.between(10 * millisecond, 3 * second), nature,
              [this, index] { start(index); });
    break;
  }
  case 3:
  case 4:
  case 5:
    cut_something();
    break;
  case 6:
    if (m.is_up()) {
      say(m.name + " pauses");
      around.pause(m.node->life(),
                   around.now() + r.between(100 * millisecond, 4 * second));
    }
    break;
  case 7:
    m.disk->set_full(true);
    around.at(around.now() + r.between(100 * millisecond, 2 * second), nature,
              [this, index] { machines_[index].disk->heal(); });
    break;
  case 8:
    m.disk->fail_write(1 + r.below(6));
    break;
  case 9:
    m.backup = m.disk->copy();
    say(m.name + " is backed up");
    break;
  case 10:
    if (weather_.skew) {
      m.clock->set_offset(r.chance(0.5) ? r.between(-2'000, 2'000)
                                        : r.between(-3'600'000, 3'600'000));
      say(m.name + " has its clock set");
    }
    break;
  case 11:
    if (weather_.restores)
      restore_backup(index);
    break;
  case 12:
    if (weather_.copies)
      copy_directory(index);
    break;
  default:
    if (weather_.forgets && machines_.size() > 2) {
      // Away, forgotten, and back when tombstones may be gone.
      crash(index);
      around.at(around.now() + 2'500 * millisecond, nature, [this, index] {
        for (std::size_t i = 0; i < machines_.size(); ++i)
          if (i != index && machines_[i].is_up())
            return machines_[i].node->forget(machines_[index].name);
      });
      around.at(around.now() + r.between(3, 8) * second, nature,
                [this, index] { start(index); });
    }
    break;
  }
}

void cluster::heal() {
  healing_ = true;
  say("healing");
  cuts_.clear();
  const auto length = weather_.length;
  weather_ = {};
  weather_.length = length;
  for (std::size_t i = 0; i < machines_.size(); ++i) {
    machines_[i].disk->heal();
    machines_[i].clock->set_offset(
        machines_[i].clock->offset() > 60'000
                || machines_[i].clock->offset() < -60'000
            ? around.random.between(-100, 100)
            : std::clamp<unix_ms>(machines_[i].clock->offset(), -300, 300));
    start(i);
  }
}

// -- the end
// ---------------------------------------------------------------------

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

verdict_of_seed cluster::run() {
  auto& r = around.random;
  for (std::size_t i = 0; i < machines_.size(); ++i)
    around.at(r.between(0, r.chance(0.8) ? 100 * millisecond : 2 * second),
              nature, [this, i] { start(i); });
  around.at(r.between(0, second), nature, [this] { client_step(); });
  for (std::size_t i = 0; i < weather_.faults; ++i)
    around.at(r.between(300 * millisecond, weather_.length), nature,
              [this] { fault_step(); });
  const auto faults_end = weather_.length + 500 * millisecond;
  while (violation_.empty() && !is_void_ && around.step(faults_end)) {
    static_cast<void>(latest_wall());
  }
  heal();
  const auto healed_at = around.now();
  std::string why;
  auto next = healed_at;
  bool agreed = false;
  while (violation_.empty() && !is_void_ && !agreed
         && next < healed_at + patience) {
    next += poll_pause;
    while (violation_.empty() && around.step(next)) {
      static_cast<void>(latest_wall());
    }
    agreed = agrees(why);
  }
  verdict_of_seed said;
  describe_all();
  if (is_void_) {
    said.seed = seed_;
    return said;
  }
  if (violation_.empty() && !agreed)
    violated("differing: after " + std::to_string(patience / second) + " s "
             + why);
  said.settled_in = around.now() - healed_at;
  if (violation_.empty())
    judge_all();
  if (violation_.empty() && seed_ % 8 == 0) {
    const auto rounds = [this] {
      std::uint64_t all = 0;
      for (const auto& m : machines_)
        all += m.node->report().repaired_keys;
      return all;
    };
    // Agreement may come while much is still under way.
    const auto settled = around.now() + after_agreement;
    while (violation_.empty() && around.step(settled)) {
      // nop
    }
    const auto before = rounds();
    const auto end = around.now() + after_agreement;
    while (violation_.empty() && around.step(end)) {
      // nop
    }
    // Stubs are collected at different times: that is no difference to last.
    for (int i = 0; i < 10 && violation_.empty() && !agrees(why); ++i)
      while (around.step(end + (i + 1) * poll_pause)) {
        // nop
      }
    if (violation_.empty() && options_.pushes && !had_expiries_
        && rounds() != before)
      violated("differing: repairs go on though all agree");
    if (violation_.empty() && !agrees(why))
      violated("differing: again, " + why);
  }
  said.seed = seed_;
  said.violation = violation_;
  said.events = around.events();
  said.operations = ops.size();
  return said;
}

} // namespace panal::sim
