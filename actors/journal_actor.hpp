#pragma once

// The journal's actor: commits whatever has queued up in its mailbox as one
// transaction, tells the shards and the replicator, and folds while nothing
// else waits. It owns the store, so all that touches the disk comes here.

#include "actors/messages.hpp"
#include "storage/journal.hpp"

#include <caf/all.hpp>

#include <memory>
#include <vector>

namespace panal {

/// A journal that is handed to the actor which will own it.
using journal_ptr = std::shared_ptr<journal>;

struct journal_state {
  static inline constexpr const char* name = "journal";

  /// Commits what is still queued; nobody is left to be told.
  ~journal_state();

  void add(queued_batch batch);
  void commit();
  void fold();
  void read(const backlog_request& wanted);

  caf::event_based_actor* self = nullptr;
  journal_ptr log;
  std::vector<caf::actor> shards;
  caf::actor replicator;
  bool commit_is_due = false;
  bool fold_is_due = false;

private:
  void tell_shards(const commit_report& report);
  void arrange_fold(std::chrono::milliseconds pause);
};

/// Spawned once, detached, since SQLite blocks. Messages: queued_batch,
/// backlog_request, `(cursor_atom, peer, position)`, `(member_atom, member)`,
/// and once each `(feed_atom, shards)`, `(feed_atom, replicator)`.
caf::behavior journal_actor(caf::stateful_actor<journal_state>* self,
                            journal_ptr log);

} // namespace panal
