#include "storage/owed_notes.hpp"

#include "storage/mutant.hpp"

#include <algorithm>

namespace panal {

namespace {

/// Of one pass: a row that the disk never takes must not keep the others back,
/// and a disk that takes nothing need not be asked for each.
constexpr std::size_t failures_max = 3;

constexpr std::size_t fold_rows = 4'096;

/// Who has lived without peers has to fold its deletes away before it meets
/// any (cluster/node_load.cpp), and may have been started on a full disk.
result<void> fold_of_the_lone(store& disk) {
  const auto known = disk.members();
  if (!known)
    return known.error();
  while (known->empty() && disk.journal_rows() > 0)
    if (auto step = disk.fold(fold_rows); !step)
      return step.error();
  return {};
}

} // namespace

owed_notes::note& owed_notes::note_of(kind what, std::uint64_t id) {
  const auto i = std::ranges::find_if(
      notes_, [&](const note& x) { return x.what == what && x.id == id; });
  if (i != notes_.end())
    return *i;
  make_room();
  notes_.push_back({what, id, {}, 0, {}, {}});
  return notes_.back();
}

// A cursor that is forgotten makes a peer's changes travel again, and a run
// that is forgotten is met again.
void owed_notes::make_room() {
  if (notes_.size() < owed_notes_max)
    return;
  const auto oldest = std::ranges::find(notes_, kind::peer, &note::what);
  notes_.erase(oldest == notes_.end() ? notes_.begin() : oldest);
}

void owed_notes::owe(const member& who) {
  note_of(kind::member, who.origin).who = who;
}

void owed_notes::owe(fact which, std::uint64_t value) {
  note_of(kind::fact, static_cast<std::uint64_t>(which)).value = value;
}

void owed_notes::owe(const run_record& run, origin_id peer) {
  auto& runs = note_of(kind::peer, peer).runs;
  std::erase_if(runs, [&](const auto& x) { return x.id == run.id; });
  runs.push_back(run);
  if (runs.size() > runs_max)
    runs.erase(runs.begin());
}

void owed_notes::owe(origin_id peer, position acknowledged,
                     const run_record& met) {
  if (met.id != 0)
    owe(met, peer);
  note_of(kind::peer, peer).cursor = acknowledged;
}

result<void> owed_notes::settle_own_run(store& disk) {
  if (!own_run_)
    return {};
  if (auto folded = fold_of_the_lone(disk); !folded)
    return folded;
  if (auto saved = disk.add_run(*own_run_); !saved)
    return saved;
  own_run_.reset();
  own_run_untold_ = true;
  return {};
}

result<void> owed_notes::remove_reissues(store& disk) {
  while (!removals_.empty()) {
    if (auto removed = disk.remove_reissue(*removals_.begin()); !removed)
      return removed;
    removals_.erase(removals_.begin());
  }
  return {};
}

// With it saved, what is still among the reissues would wait for a later
// rejoin, and overwrite what was written since.
bool owed_notes::must_wait(const note& what) const noexcept {
  return what.what == kind::fact && !removals_.empty()
         && what.id == static_cast<std::uint64_t>(fact::rejoining);
}

result<void> owed_notes::save_peer(store& disk, note& what) {
  while (!what.runs.empty() && !PANAL_MUTANT(cursor_saved_without_its_run)) {
    if (auto saved = disk.add_run(what.runs.front(), what.id); !saved)
      return saved;
    what.runs.erase(what.runs.begin());
  }
  return what.cursor ? disk.save_cursor(what.id, *what.cursor) : result<void>{};
}

result<void> owed_notes::save(store& disk, note& what, saved_notes& into) {
  if (what.what == kind::peer)
    return save_peer(disk, what);
  if (what.what == kind::member) {
    auto saved = disk.save_member(what.who);
    if (saved)
      into.members.push_back(what.who);
    return saved;
  }
  const auto which = static_cast<fact>(what.id);
  auto saved = disk.save_fact(which, what.value);
  if (saved)
    into.facts.emplace_back(which, what.value);
  return saved;
}

void owed_notes::save_notes(store& disk, saved_notes& into) {
  std::size_t failures = 0;
  for (auto left = notes_.size(); left > 0 && failures < failures_max; --left) {
    auto next = std::move(notes_.front());
    notes_.pop_front();
    if (!must_wait(next)) {
      const auto saved = save(disk, next, into);
      if (saved)
        continue;
      into.failure = saved.error();
      failures += saved.error().code == errc::storage_full ? failures_max : 1;
      if (PANAL_MUTANT(owed_note_forgotten))
        continue;
    }
    notes_.push_back(std::move(next));
  }
}

saved_notes owed_notes::settle(store& disk, time_point now) {
  saved_notes done;
  if (pause_.is_due(now)) {
    if (const auto begun = settle_own_run(disk); !begun)
      done.failure = begun.error();
    else if (const auto removed = remove_reissues(disk); !removed)
      done.failure = removed.error();
    if (!own_run_)
      save_notes(disk, done);
    if (done.failure.code != errc::ok)
      pause_.failed(now);
    else
      pause_.succeeded();
  }
  done.run = std::exchange(own_run_untold_, false);
  return done;
}

result<void> owed_notes::settle_members(store& disk) {
  for (const auto& owed : notes_)
    if (owed.what == kind::member)
      if (auto saved = disk.save_member(owed.who); !saved)
        return saved;
  return {};
}

void owed_notes::clear() {
  notes_.clear();
  removals_.clear();
  own_run_.reset();
  pause_.succeeded();
}

} // namespace panal
