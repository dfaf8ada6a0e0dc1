#pragma once

// The journal's actor: commits whatever has queued up in its mailbox as one
// transaction, tells the shards and the replicator, and folds while nothing
// else waits. It owns the store, so all that touches the disk comes here.

#include "actors/messages.hpp"
#include "storage/journal.hpp"

#include <caf/all.hpp>

#include <functional>
#include <memory>
#include <string>
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
  void mark(std::size_t shard, std::uint64_t epoch, std::uint64_t hlc);
  /// Lets `saving` write to the store beside the changes; a failure is logged.
  /// @return true if it is durable.
  template <class Saving>
  bool note(Saving saving);
  void save(const member& who);
  void save(fact which, std::uint64_t value);
  void read_reissues();
  void remove_reissues(const std::vector<std::string>& keys);
  void rebirth(const rejoin_plan& plan);

  caf::event_based_actor* self = nullptr;
  journal_ptr log;
  std::vector<caf::actor> shards;
  caf::actor replicator;
  /// This node as its members know it, and what to do once its identity was
  /// given up: the node has to start anew, and nothing more is written.
  member self_member;
  std::function<void()> on_rebirth;
  bool reborn = false;
  bool commit_is_due = false;
  bool fold_is_due = false;

private:
  void commit_soon();
  void tell_shards(const commit_report& report);
  void warn(const char* what, const result<void>& done);
  void arrange_fold(std::chrono::milliseconds pause);
};

/// Spawned once, detached, since SQLite blocks. Messages: those of
/// messages.hpp that name the journal, `(cursor_atom, peer, position, run)`,
/// `(member_atom, member)` and `(fact_atom, number, value)`, which are sent
/// back when they are durable, `(fact_atom, run, peer)`, `(reissue_atom)`,
/// `(reissue_atom, keys)`, `(rebirth_atom, plan)`, and once each
/// `(feed_atom, shards)`, `(feed_atom, replicator)`.
/// @param on_rebirth  called on the journal's thread.
caf::behavior journal_actor(caf::stateful_actor<journal_state>* self,
                            journal_ptr log, const member& self_member,
                            std::function<void()> on_rebirth);

} // namespace panal
