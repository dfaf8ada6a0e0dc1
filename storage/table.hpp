#pragma once

// One shard in memory: what decides about every operation on its keys.
//
// Two layers. The *records* hold what is durable. The *overlay* holds what has
// been decided but not yet committed: batches of changes on their way to the
// journal. Decisions are made against the overlay first, so writes to one key
// pipeline; but an answer that was formed from the overlay must be held back
// until the change that it rests on is durable (outcome::after). When a commit
// fails, the overlay is dropped whole, and the records still are what the disk
// holds.
//
//      put ---> overlay ---committed---> records
//                  `-------failed------> (nothing happened)

//
// A clear-all is one stamp, the *cleared* floor: what it covers is hidden at
// once, and purged in bounded steps. It is journalled as a change of the empty
// key, which no client can name. Deletes and expiries leave stubs (a floor, a
// stripped put) that are collected once every member has merged them, which
// the *line* says (merge-rule, "When a tombstone may be forgotten").

#include "config/options.hpp"
#include "storage/change_batch.hpp"
#include "storage/data_counts.hpp"
#include "storage/digest_tree.hpp"
#include "storage/entry.hpp"
#include "storage/hybrid_clock.hpp"
#include "storage/node_gate.hpp"
#include "storage/operation.hpp"
#include "storage/record_set.hpp"
#include "storage/unreadable_keys.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace panal {

struct table_config {
  /// This shard's number; stands in its batches.
  std::size_t shard = 0;
  /// Of how many, in the order of shard_of().
  std::size_t shards = 1;
  durability level = durability::disk;
  /// Puts are refused (`memory_full`) while records and overlay take more.
  std::size_t memory_bytes_max = std::size_t{1} << 30;
  /// Writes are refused (`overloaded`) while the overlay holds more.
  std::size_t overlay_bytes_max = std::size_t{64} << 20;
  /// A member of a cluster must remember deletes and expiries, lest a peer's
  /// late copy brings them back; a node that has never had a peer forgets.
  bool keeps_tombstones = false;
  /// Whether clients are served now; none: always. Outlives the table.
  const node_gate* gate = nullptr;
  /// Kept up to date with what is durable; none where nobody compares.
  /// Outlives the table.
  digest_tree* digests = nullptr;
  /// Keys whose rows on disk are damaged; shared by all tables of the node,
  /// and outlives them. None: all can be read.
  unreadable_keys* unreadable = nullptr;
  /// Counts what is durable; none where nobody asks. Outlives the table.
  data_counts* counts = nullptr;
  /// Keys the digests; the same at all members.
  std::uint64_t digest_secret = 0;
};

/// A part of what an earlier incarnation has left of a key.
struct left_part {
  entry state;
  /// It keeps its stamps.
  bool is_kept = false;
};

/// The key of the row that holds the cleared floor.
inline constexpr std::string_view cleared_key;

/// An answer, and what must be durable before it may be given.
struct outcome {
  answer reply;
  /// Number of the change it rests on; 0: none, answer at once.
  std::uint64_t after = 0;
  /// For how many members' commits a write is to wait after that.
  write_level wanted = write_level::memory;
};

/// What became of a peer's change.
struct merge_outcome {
  /// `ok`, `corrupt` (not an entry), `overloaded`, `unreadable`.
  errc code = errc::ok;
  /// Number of the change that it rests on; 0: durable already.
  std::uint64_t after = 0;
  /// It held a stamp from the far future and was not merged.
  bool set_aside = false;
  /// It held an unknown put below the line, which was ignored.
  bool below_line = false;
};

/// Not thread-safe; owned by one shard actor.
class table {
public:
  /// @param time  issues the node's stamps; outlives the table.
  table(const table_config& config, hybrid_clock& time);

  /// Carries out a client's operation, as merge-rule "Operations at a node"
  /// says. Codes of a refused one: `not_found`, `expired`, `stale_version`,
  /// `memory_full`, `overloaded`, `unreadable` (never of a remove: what it
  /// deletes need not be known), and those of the node's gate.
  outcome apply(operation& op);

  /// Decides a clear-all for the whole node, and stages it as one change of
  /// the empty key. It takes effect here once that is durable (at `memory` at
  /// once), and on the node's other tables by set_cleared(). One table of a
  /// node decides all of them. Codes of a refused one: as apply().
  outcome clear(const operation& op);
  /// A clear-all that another table of this node has decided takes effect:
  /// nothing stamped at or below `at` shows any more.
  /// @param durable  it is on disk: what it covers may be dropped for good.
  void set_cleared(const stamp& at, bool durable);

  /// Merges a peer's state of a key; the empty key's is the cleared floor, and
  /// goes to the table that decides about clear-alls.
  merge_outcome merge_remote(std::string_view key, std::string_view encoded,
                             origin_id source);

  /// Merges a peer's present state of a key, and drops what it proves dead:
  /// a put at or below the peer's line that the peer does not hold, since it
  /// has merged everything up to there.
  /// @param encoded  empty if the peer does not hold the key.
  merge_outcome reconcile(std::string_view key, std::string_view encoded,
                          std::uint64_t their_line, origin_id source);

  /// Takes the whole state of a key that cannot be read here from a peer that
  /// has merged all that this node had of it. When that is durable, the key
  /// can be read. A key that can be read is reconciled.
  /// @param encoded  empty if the peer does not hold the key.
  merge_outcome mend(std::string_view key, std::string_view encoded,
                     std::uint64_t their_line, origin_id source);
  /// True while nobody knows here what the key holds.
  bool is_unreadable(std::string_view key) const;
  /// Stages the key's state anew, since its row on disk was found damaged.
  void rewrite(std::string_view key);
  /// The same for the keys with this key_sum().
  void rewrite_summed(std::uint32_t sum);

  /// Issues a write of this directory's earlier incarnation anew, unless a
  /// delete has come after it (`not_found`), it has expired (`expired`) or a
  /// greater version stands (`stale_version`).
  /// @param old  a delete, a put, or a put and the delete below it.
  outcome reissue(std::string_view key, const entry& old);
  /// Takes in what an earlier incarnation has held, under the stamps that it
  /// has. @pre all of it is stamped above the line.
  outcome keep(std::string_view key, const entry& held);
  /// What becomes of an entry that an earlier incarnation has left, in order:
  /// each part is to be issued anew, or kept.
  /// @param restamp_upto  see `fact`.
  std::vector<left_part> parts_of(const entry& left,
                                  std::uint64_t restamp_upto) const;

  /// Everything at or below the hlc `line` is merged by every member. It only
  /// rises, and must be durable before it is set.
  void set_line(std::uint64_t line) noexcept;
  std::uint64_t line() const noexcept { return line_; }
  /// Drops stubs at or below `upto`, not above the line, of at most `keys_max`
  /// keys. @return how many there were.
  std::size_t collect(std::uint64_t upto, std::size_t keys_max);
  /// Where the line has to come for the next stub to go, if only the line is
  /// waited for; 0 if none is.
  std::uint64_t wanted_line() const noexcept;
  /// How many stubs wait.
  std::size_t stubs() const noexcept { return stubs_.size(); }

  /// The cleared floor that is in effect, and the one that is durable.
  const stamp& cleared() const noexcept { return cleared_; }
  const stamp& durable_cleared() const noexcept { return durable_cleared_; }
  /// Removes at most about `keys_max` keys that the cleared floor covers.
  /// @return true if there may be more.
  bool purge(std::size_t keys_max);
  /// True while purge() has something to do.
  bool purges() const noexcept {
    return !purge_keys_.empty() || purge_part_ < record_set::part_count;
  }

  /// Calls `visit(key, encoded)` for each durable key of one of the
  /// record_set::part_count parts.
  template <class Visitor>
  void visit_part(std::size_t part, Visitor&& visit) const {
    records_.for_part(part, std::forward<Visitor>(visit));
  }
  /// True if the key is this shard's.
  bool owns(std::string_view key) const noexcept;
  /// The durable entry of a key; empty if there is none.
  std::string_view durable_entry(std::string_view key) const noexcept {
    return records_.find(key);
  }

  /// The changes made since the last call, for the journal; null if none.
  change_batch_ptr take_batch();

  /// The oldest batch taken has been committed: its changes become records.
  void committed(const change_batch& batch);

  /// The oldest batch taken could not be committed, and the later ones are
  /// void with it. At `disk` and `sync` everything undecided is dropped. At
  /// `memory`, where it has been answered for, it stays, and take_batch()
  /// gives nothing until take_again().
  void failed();
  /// After failed() at `memory`: the batches to be sent again, in order.
  std::vector<change_batch_ptr> take_again();
  /// True when what failed stays and is to be tried again.
  bool retries() const noexcept { return config_.level == durability::memory; }
  /// True between failed() and take_again(): what was stamped before has not
  /// all been sent.
  bool waits_for_retry() const noexcept { return waits_for_retry_; }
  /// Counts failures; goes along with each batch, so that the journal can
  /// tell the batches that a failure has made void.
  std::uint64_t epoch() const noexcept { return epoch_; }

  /// Start-up: a stored key, entries first, then the journal in order.
  /// @return false if that is no entry: then nothing has changed.
  bool load(std::string_view key, std::string_view encoded);

  /// Drops the values of at most `keys_max` keys that have expired.
  /// @return how many there were.
  std::size_t sweep(std::size_t keys_max);
  /// When sweep() has something to do next; `never` if nothing expires.
  unix_ms next_expiry() const noexcept { return records_.next_expiry(); }
  /// The injected clock's time, that expiries are compared with.
  unix_ms now() const noexcept { return time_.now(); }

  /// Number of the newest change that is durable, and of the newest made.
  std::uint64_t durable_number() const noexcept { return durable_number_; }
  std::uint64_t last_number() const noexcept { return last_number_; }

  std::size_t size() const noexcept { return records_.size(); }
  std::size_t memory_bytes() const noexcept {
    return records_.bytes() + overlay_bytes_;
  }
  std::size_t overlay_bytes() const noexcept { return overlay_bytes_; }

private:
  /// A key's newest undecided change.
  struct pending {
    std::uint64_t number;
    const change* what;
  };
  struct overlay_hash {
    std::size_t operator()(std::string_view key) const noexcept;
  };
  /// A key's state as decisions see it.
  struct view {
    std::string_view encoded;
    std::uint64_t number;
  };

  /// A stub: when it may be collected (an hlc), and its key.
  using stub = std::pair<std::uint64_t, std::string>;

  view current(std::string_view key) const;
  void hide_cleared(view& now) const;
  std::uint64_t stage_clear(const stamp& at, origin_id source);
  errc refusal(const operation& op) const noexcept;
  outcome get(const view& now) const;
  outcome put(operation& op, const view& now);
  outcome accept(std::string key, put_record fresh, const view& now,
                 const operation& op);
  outcome remove(operation& op, const view& now);
  outcome reissue_expired(std::string_view key, const put_record& put,
                          outcome out);
  outcome reissue_alive(std::string_view key, const put_record& put);
  outcome written(std::uint64_t number, const stamp& at, const operation& op);
  merge_outcome merge_clear(const entry& theirs, origin_id source);
  merge_outcome join(std::string_view key, const view& now, const entry& ours,
                     const entry& before, const entry& theirs,
                     origin_id source);
  std::uint64_t stage(std::string key, std::string encoded, origin_id source);
  std::uint64_t held_back(std::uint64_t number) const noexcept;
  std::uint64_t rests_on(const operation& op,
                         std::uint64_t number) const noexcept;
  void remember(const change& what);
  void set_record(std::string_view key, std::string_view encoded,
                  unix_ms expires_at);
  void toggle_digest(std::string_view key, std::string_view encoded) noexcept;
  void note_stub(std::string_view key, std::string_view encoded);
  bool is_covered(std::string_view encoded) const noexcept;
  bool collect_key(const std::string& key);
  void drop_expired(entry& state, std::uint64_t line) const;
  void strip_expired(const std::string& key);
  void drop_overlay();
  std::uint64_t stage_mended(std::string_view key, std::string encoded,
                             origin_id source);
  void note_mended();
  void mend_cleared();

  table_config config_;
  hybrid_clock& time_;
  record_set records_;
  std::uint64_t line_ = 0;
  std::priority_queue<stub, std::vector<stub>, std::greater<>> stubs_;
  /// The cleared floor as decisions see it, and as it is durable.
  stamp cleared_;
  stamp durable_cleared_;
  /// The newest clear-all that is staged, and its change.
  stamp staged_clear_;
  std::uint64_t clear_number_ = 0;
  /// Where the purge stands, and what it has found and not removed yet.
  std::size_t purge_part_ = record_set::part_count;
  std::vector<std::string> purge_keys_;
  /// What a covered entry looks like; lives until the next look.
  mutable std::string visible_;
  std::unordered_map<std::string_view, pending, overlay_hash> overlay_;
  std::deque<change_batch_ptr> taken_;
  change_batch_ptr building_;
  std::size_t overlay_bytes_ = 0;
  /// Keys that can be read once these changes are durable.
  std::map<std::string, std::uint64_t, std::less<>> mending_;
  /// A clear-all of this node's own has taken effect, and mends all keys.
  bool clear_mends_ = false;
  bool waits_for_retry_ = false;
  std::uint64_t epoch_ = 1;
  std::uint64_t last_number_ = 0;
  std::uint64_t durable_number_ = 0;
};

} // namespace panal
