#pragma once

// The storage contract: what a node keeps on disk. One caller at a time (the
// journal actor owns the store); no call throws. Every implementation passes
// the same suite, tests/storage/store_contract*.cpp.
//
// Two tables make up the data. The *journal* is append-only, one row per
// change in position order; an append is what makes a write durable. The
// *entries* hold one row per key, and are brought up to date by folding the
// oldest journal rows into them in the background; folded rows leave the
// journal in the same transaction. So at every moment
//     data set = entries, overwritten by the journal's rows in order.
//
// A disk may give other bytes than it took. Every row carries a checksum
// beside its content, and a row that fails it is *damaged*: it is never taken
// for anything else, never folded over anything, and never dropped while no
// newer whole row of its key stands in for it. load() tells of each.

#include "storage/change.hpp"
#include "storage/damage.hpp"
#include "storage/errc.hpp"

#include <cstddef>
#include <cstdint>
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
  /// Not 0: it was removed, and is not let in again under this origin. What it
  /// stamped up to this hlc had been merged by a member.
  std::uint64_t forgotten = 0;

  friend bool operator==(const member&, const member&) = default;
};

/// One start of a node on this data directory. Peers remember the runs that
/// they have met; a directory that does not know a run which a peer remembers
/// is a restored backup or a copy.
struct run_record {
  /// Drawn at random; never 0.
  std::uint64_t id = 0;
  /// The node's hybrid clock when the run began: its own stamps are above.
  std::uint64_t started_hlc = 0;
  /// Own run: the newest position when it began. A peer's: how far its changes
  /// of that run are merged here, saved lazily.
  position reached = 0;

  friend bool operator==(const run_record&, const run_record&) = default;
};

/// Runs that are remembered, the newest ones.
inline constexpr std::size_t runs_max = 64;

/// Single numbers that a node keeps; 0 until they are saved. Their numbers are
/// on disk: do not change.
enum class fact : std::uint8_t {
  /// Everything stamped at or below this hlc is merged by all members.
  line = 1,
  /// 1 once a mark was sent: peers may have drawn their line with it.
  sealed = 2,
  /// 1 once a peer and this node have agreed that their states join.
  settled = 3,
  /// 1 from a rebirth until the cluster's state is taken over.
  rejoining = 4,
  /// The newest own run that has met a peer; its id.
  met_run = 5,
  /// No promise above this hlc was made: stamps of a later run start here.
  promised = 6,
  /// The cluster's identity (storage/cluster_identity.hpp), saved as a whole.
  cluster_born = 7,
  cluster_id = 8,
  /// 1 if this node was among those that bore the cluster, before any line was
  /// drawn in it: it speaks for those that it had met by then.
  founder = 13,
  /// Of a rejoin: writes stamped up to this hlc are issued under new stamps,
  /// later ones keep theirs; 0: all get new ones.
  restamp_upto = 14,
};

/// The facts by their enumerators' order.
using fact_map = std::map<fact, std::uint64_t>;

/// A write of an earlier incarnation that is to be issued anew.
struct reissue {
  std::string key;
  /// Encoded: what is left of the key's entry is this directory's own.
  std::string entry;

  friend bool operator==(const reissue&, const reissue&) = default;
};

/// What a store sees of its disk besides what its calls answer.
struct disk_state {
  /// What the store has open is not what stands at its place any more.
  bool is_gone = false;
  /// Why, for a log line.
  std::string detail;
  /// The store keeps space in reserve, and how much; and whether it could not
  /// have all that it wants.
  bool keeps_reserve = false;
  std::uint64_t reserve_bytes = 0;
  bool lacks_reserve = false;
};

/// Takes the writes that are to be issued anew, one after the other; of two
/// with the same key the later one counts.
using reissue_sink = std::function<void(const reissue&)>;
/// Gives all of them to `add`, and holds none of them. An error of its own
/// undoes what they were for.
using reissue_source = std::function<result<void>(const reissue_sink& add)>;

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
  /// @param flush  durable against a power cut too, whatever this store's
  ///               level is.
  virtual result<void> append_all(std::span<const change* const> changes,
                                  bool flush) = 0;
  result<void> append_all(std::span<const change* const> changes) {
    return append_all(changes, false);
  }
  /// The same for changes that stand in one row.
  result<void> append(std::span<const change> changes);

  /// Folds at most `changes_max` of the oldest journal rows into the entries,
  /// by key order, newest change of a key only, and removes them from the
  /// journal, in one transaction. An empty `change::entry` removes the row.
  /// One step may stop earlier, to bound the bytes that it moves, but folds at
  /// least one row if there is one. Errors as append.
  /// A damaged row leaves the journal too, and stays known to load().
  virtual result<fold_step> fold(std::size_t changes_max) = 0;

  /// Visits all entries and then the journal's rows in order. In place of a
  /// damaged row `damage` is called, in the same order: what is visited later
  /// of that key stands in for it. Damage beside the changes (facts, runs,
  /// members, cursors, reissues, the directory's own numbers) comes last; what
  /// those calls below return leaves it out.
  virtual result<void> load(const visitor& visit,
                            const damage_visitor& damage) = 0;
  /// The same, passing over what is damaged.
  result<void> load(const visitor& visit);

  /// The changes after `after` in ascending position order, bounded by
  /// `limits`. What was folded is read from the entries: then a key's state
  /// appears once, at its latest position, with source `own_change`.
  /// In the place of a damaged row stands the newest whole state of its key.
  /// Errors: `corrupt` if the next row is damaged and there is none: what
  /// comes after it must not be read as if it were complete.
  virtual result<std::vector<change>> read_after(position after,
                                                 read_limits limits) = 0;

  /// Damaged rows that fold() and read_after() have met for the first time
  /// since the last call, a bounded number of them.
  virtual std::vector<damaged_row> take_damage() = 0;

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

  virtual result<void> save_fact(fact which, std::uint64_t value) = 0;
  /// All of these, or none.
  virtual result<void> save_facts(const fact_map& facts) = 0;
  virtual result<fact_map> facts() = 0;

  /// Remembers a start of this node, or, with `peer`, a run of that peer's
  /// which was met. Forgets all but the newest `runs_max` of each. A run that
  /// is remembered already moves to the end.
  virtual result<void> add_run(const run_record& run,
                               origin_id peer = own_change) = 0;
  /// All remembered runs, oldest first; this directory's own are filed under
  /// `own_change`.
  virtual result<std::map<origin_id, std::vector<run_record>>> runs() = 0;

  /// Removes what is damaged of facts, runs, members, cursors and reissues.
  virtual result<void> drop_damaged_notes() = 0;

  /// Makes this a new incarnation, in one transaction: a newly drawn origin,
  /// no changes (but `kept`, from position 1 on), no cursors, no runs of its
  /// own, no facts but those given; what `again` gives is added to the
  /// reissues, where it takes the place of what waits for the same key.
  /// Members and peers' runs stay, nothing that is damaged does. Durable
  /// against a power cut, as add_run is.
  /// Errors: as append_all, and those of `again`; then nothing has changed.
  /// @param again  may call load() to read what goes.
  virtual result<void> rebirth_from(origin_id fresh,
                                    std::span<const change> kept,
                                    const reissue_source& again,
                                    const fact_map& facts) = 0;
  /// The same with writes that stand in one row.
  result<void> rebirth(origin_id fresh, std::span<const change> kept,
                       std::span<const reissue> again, const fact_map& facts);
  /// Looks at the disk, and does what is due on it; called several times a
  /// second. While the store's files are gone, every write is refused with
  /// `storage_gone`.
  virtual disk_state look_after() { return {}; }
  /// Writes something that changes nothing, as durably as an append. Errors
  /// as append_all.
  virtual result<void> probe() { return {}; }

  /// The writes that wait to be issued anew, by key, the first ones of those
  /// after `after`.
  virtual result<std::vector<reissue>> reissues(std::string_view after,
                                                read_limits limits) = 0;
  /// All of them.
  result<std::vector<reissue>> reissues();
  /// The entry that waits for this key; empty if none does.
  virtual result<std::string> reissue_of(std::string_view key) = 0;
  virtual result<void> remove_reissue(std::string_view key) = 0;
};

} // namespace panal
