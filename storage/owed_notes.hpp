#pragma once

// What a node has to remember besides its data, and may not forget because a
// disk has refused it once: members, facts, cursors and runs. Each stays owed
// until it is durable; of two values of one thing the newer counts. A plain
// class: the journal's actor and the simulator step it alike.

#include "storage/retry_pause.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace panal {

/// What one pass has made durable, and why it has not done more.
struct saved_notes {
  std::vector<std::pair<fact, std::uint64_t>> facts;
  std::vector<member> members;
  /// This node's own run.
  bool run = false;
  /// The last failure; `ok`: none.
  error failure;
};

/// Owed at once, a peer's runs and cursor counted as one. Beyond that what can
/// be learned again is dropped: the oldest peer's runs and cursor.
inline constexpr std::size_t owed_notes_max = 4'096;

/// Not thread-safe.
class owed_notes {
public:
  using time_point = retry_pause::time_point;

  /// The run that this node has begun. Nothing else is saved before it.
  void owe_own_run(const run_record& run) { own_run_ = run; }
  void owe(const member& who);
  void owe(fact which, std::uint64_t value);
  /// A peer's runs are saved in the order in which they are owed.
  void owe(const run_record& run, origin_id peer);
  /// Saved after the peer's runs.
  /// @param met  a run of the peer's to be saved first, unless its id is 0.
  void owe(origin_id peer, position acknowledged, const run_record& met);
  /// The write of this key was issued anew, and is not to be again: the fact
  /// that the node has rejoined is not saved before. As many are owed as a
  /// rejoin has found.
  void owe_removal(std::string key) { removals_.insert(std::move(key)); }

  /// Tries all that is owed, unless a pause after a failure is not over. Ends
  /// early where the disk goes on refusing.
  saved_notes settle(store& disk, time_point now);
  /// The same without regard to a pause, and for members alone: before the
  /// node gives its identity up. Error: some are still owed.
  result<void> settle_members(store& disk);
  /// Saves the own run if that is owed; settle() tells it then. Errors as
  /// store::add_run.
  result<void> settle_own_run(store& disk);
  /// The next settle() does not wait: the disk has taken something.
  void hurry(time_point now) noexcept { pause_.hurry(now); }
  /// Nothing is owed any more: the node begins a new incarnation.
  void clear();

  std::size_t count() const noexcept {
    return (own_run_ ? 1 : 0) + notes_.size() + removals_.size();
  }
  bool owes_own_run() const noexcept { return own_run_.has_value(); }

private:
  enum class kind : std::uint8_t { member, fact, peer };
  /// What is owed of one member, fact or peer.
  struct note {
    kind what = kind::fact;
    /// An origin, or a fact's number.
    std::uint64_t id = 0;
    member who;
    /// A fact's value.
    std::uint64_t value = 0;
    std::vector<run_record> runs;
    std::optional<position> cursor;
  };

  note& note_of(kind what, std::uint64_t id);
  void make_room();
  bool must_wait(const note& what) const noexcept;
  result<void> save(store& disk, note& what, saved_notes& into);
  result<void> save_peer(store& disk, note& what);
  result<void> remove_reissues(store& disk);
  void save_notes(store& disk, saved_notes& into);

  std::optional<run_record> own_run_;
  bool own_run_untold_ = false;
  std::deque<note> notes_;
  std::set<std::string> removals_;
  retry_pause pause_;
};

} // namespace panal
