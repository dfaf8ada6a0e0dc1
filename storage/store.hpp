#pragma once

// The storage contract: what a node keeps on disk. One caller at a time (the
// journal actor owns the store); no call throws. Every implementation passes
// the same suite, tests/storage/store_contract.cpp.
//
// Two tables make up the data. The *journal* is append-only, one row per
// change in position order; an append is what makes a write durable. The
// *entries* hold one row per key, and are brought up to date by folding the
// oldest journal rows into them in the background; folded rows leave the
// journal in the same transaction. So at every moment
//     data set = entries, overwritten by the journal's rows in order.

#include "storage/change.hpp"
#include "storage/errc.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// Another member of the cluster, as it is remembered across restarts.
struct member {
  /// The identity of its data directory; 0 is never a member.
  origin_id origin = 0;
  /// Its --node-id.
  std::string name;
  /// Where its peers reach it: "host:port".
  std::string address;

  friend bool operator==(const member&, const member&) = default;
};

/// What one bounded step of folding has done.
struct fold_step {
  /// Journal rows that were folded and removed; 0: nothing is left to fold.
  std::size_t folded = 0;
};

/// Bounds of one read_after call.
struct read_limits {
  std::size_t changes_max = 1024;
  /// Sum of key and entry bytes; at least one change is read all the same.
  std::size_t bytes_max = std::size_t{256} * 1024;
};

class store {
public:
  /// Gets every stored key, in no particular order but such that a later call
  /// for the same key replaces an earlier one. Views die with the call.
  using visitor = std::function<void(std::string_view key,
                                     std::string_view entry, position at)>;

  virtual ~store() = default;

  /// Appends changes whose positions ascend from last_position() + 1 without
  /// a gap, all of them or none, durable at this store's level when the call
  /// returns. Errors: `storage_full` (disk or page limit), `storage_failed`
  /// (also for positions out of order); after an error nothing has changed
  /// and the next call may succeed again.
  virtual result<void> append_all(std::span<const change* const> changes) = 0;
  /// The same for changes that stand in one row.
  result<void> append(std::span<const change> changes);

  /// Folds at most `changes_max` of the oldest journal rows into the entries,
  /// by key order, newest change of a key only, and removes them from the
  /// journal, in one transaction. An empty `change::entry` removes the row.
  /// One step may stop earlier, to bound the bytes that it moves, but folds at
  /// least one row if there is one. Errors as append.
  virtual result<fold_step> fold(std::size_t changes_max) = 0;

  /// Visits all entries and then the journal's rows in order.
  virtual result<void> load(const visitor& visit) = 0;

  /// The changes after `after` in ascending position order, bounded by
  /// `limits`. What was folded is read from the entries: then a key's state
  /// appears once, at its latest position, with source `own_change`.
  virtual result<std::vector<change>> read_after(position after,
                                                 read_limits limits) = 0;

  /// The position of the newest appended change, 0 if there has been none.
  virtual position last_position() const = 0;
  /// How many rows the journal holds that are not folded yet.
  virtual std::size_t journal_rows() const = 0;

  /// This data directory's identity, drawn when it was created. Never 0.
  virtual origin_id origin() const = 0;

  /// Remembers how far `peer` has durably taken this node's changes.
  virtual result<void> save_cursor(origin_id peer, position acknowledged) = 0;
  virtual result<std::map<origin_id, position>> cursors() = 0;

  /// Remembers `who`, replacing what was known of the same origin.
  virtual result<void> save_member(const member& who) = 0;
  virtual result<void> remove_member(origin_id who) = 0;
  virtual result<std::vector<member>> members() = 0;
};

} // namespace panal
