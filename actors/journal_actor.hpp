#pragma once

// The journal's actor: commits whatever has queued up in its mailbox as one
// transaction, tells the shards and the replicator, and folds while nothing
// else waits. It owns the store, so all that touches the disk comes here.

#include "actors/messages.hpp"
#include "actors/trouble_log.hpp"
#include "storage/journal.hpp"
#include "storage/journal_care.hpp"
#include "storage/node_conditions.hpp"

#include <caf/all.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace panal {

/// A journal that is handed to the actor which will own it.
using journal_ptr = std::shared_ptr<journal>;

/// What the journal's actor is made of.
struct journal_setup {
  journal_ptr log;
  /// This node as its members know it.
  member self;
  /// Called on the journal's thread once this node's identity was given up:
  /// it has to start anew, and nothing more is written.
  std::function<void()> on_rebirth = [] {};
  /// Where to state what is wrong with the disk; outlives the actor.
  node_conditions* conditions = nullptr;
};

struct journal_state {
  static inline constexpr const char* name = "journal";

  /// Commits what is still queued; nobody is left to be told.
  ~journal_state();

  void add(queued_batch batch);
  void commit();
  void fold();
  void read(const backlog_request& wanted);
  void tell_damage();
  void mark(std::size_t shard, std::uint64_t epoch, std::uint64_t hlc);
  /// Owes something to the disk, and saves it if the disk takes it now.
  template <class... What>
  void owe(What&&... what);
  void save(const member& who);
  void tell(const saved_notes& saved);
  void tick();
  void save(const identity_note& note);
  void read_reissues(std::uint64_t restamp_upto, const std::string& after);
  void remove_reissues(const std::vector<std::string>& keys);
  void rebirth(const rejoin_plan& plan);

  journal& log() { return *own.log; }

  caf::event_based_actor* self = nullptr;
  journal_setup own;
  std::optional<journal_care> care;
  std::vector<caf::actor> shards;
  caf::actor replicator;
  /// Who asks for members to be saved.
  caf::actor membership;
  bool reborn = false;
  bool commit_is_due = false;
  bool fold_is_due = false;

private:
  void commit_soon();
  void tell_shards(const commit_report& report);
  void log_troubles();
  void arrange_fold(std::chrono::milliseconds pause);
  result<void> begin_anew(const rejoin_plan& plan);

  trouble_log said_;
};

/// Spawned once, detached, since SQLite blocks. Messages: those of
/// messages.hpp that name the journal, `(cursor_atom, peer, position, run)`,
/// `(member_atom, member)` and `(fact_atom, number, value)`, which are sent
/// back when they are durable, as is `(identity_note)`,
/// `(fact_atom, run, peer)`, `(reissue_atom, restamp_upto, after)`,
/// `(reissue_atom, keys)`, `(rebirth_atom, plan)`, and once each
/// `(feed_atom, shards)`, `(feed_atom, replicator)`, `(beat_atom)`, which
/// starts its looks at the disk. The replicator gets `(fact_atom)` when the
/// node's own run is durable.
caf::behavior journal_actor(caf::stateful_actor<journal_state>* self,
                            journal_setup own);

} // namespace panal
