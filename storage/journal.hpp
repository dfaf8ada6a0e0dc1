#pragma once

// Orders the node's changes: gives each the next position and commits what has
// queued up in one transaction (group commit). A plain class around a store;
// the journal actor moves messages around it.

#include "storage/change_batch.hpp"
#include "storage/owed_notes.hpp"
#include "storage/store.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace panal {

/// Bounds of the journal's work, chosen by measurement (docs/architecture.md).
struct journal_config {
  std::size_t shards = 1;
  /// commit() is due at once when more has queued up.
  std::size_t queued_changes_max = 8'192;
  std::size_t queued_bytes_max = std::size_t{8} << 20;
  /// The journal counts as idle while no more than this has been committed
  /// since the last look, 20 ms apart: up to 5,000 writes/s.
  std::size_t idle_rows_max = 100;
  /// While idle, rows are folded in steps of this size (about 2 ms each).
  std::size_t idle_fold_rows = 128;
  /// Above this many rows folding goes on under load too, in larger steps:
  /// it bounds the disk space, and the time that a start takes.
  std::size_t journal_rows_max = 1'000'000;
  std::size_t busy_fold_rows = 1'024;
};

/// A batch and the epoch that its shard sent it in.
struct queued_batch {
  change_batch_ptr batch;
  std::uint64_t epoch = 0;
};

/// What one commit has done.
struct commit_report {
  /// `ok`, `storage_full` or `storage_failed`; all batches share the fate.
  errc code = errc::ok;
  std::string detail;
  /// In position order; on failure those that are void now.
  std::vector<queued_batch> batches;
  /// Everything that the shards stamped up to this hlc is committed, as the
  /// last mark says that has come from all of them; 0: no mark has come.
  std::uint64_t marked_hlc = 0;
};

/// Not thread-safe; owned by the journal actor.
class journal {
public:
  journal(const journal_config& config, std::unique_ptr<store> disk);

  /// Queues a batch, unless it was built on state that a failed commit has
  /// made void: then nothing more is said of it, since its shard has been
  /// told already.
  void add(queued_batch batch);

  /// A shard has sent everything that it has stamped up to `hlc`. When all
  /// shards have said so, the next commit reports it. What a shard has said
  /// before it heard of a failed commit is void, as its batches are.
  void add_mark(std::size_t shard, std::uint64_t epoch, std::uint64_t hlc);

  /// True if commit() has something to do.
  bool has_queued() const noexcept {
    return !queued_.empty() || complete_mark_ != 0;
  }
  /// True when the queue has reached a bound, and commit() should not wait.
  bool is_commit_due() const noexcept;

  /// Gives positions to all that is queued and commits it.
  commit_report commit();

  /// What fold() has found.
  enum class fold_result : std::uint8_t {
    /// Nothing is left to fold.
    rests,
    /// Too busy now: look again later.
    waits,
    /// A step was made, and there is work for another.
    goes_on,
  };

  /// One bounded step of folding, unless appends have the disk. Errors: those
  /// of store::fold.
  result<fold_result> fold();

  /// What the node has to remember besides its changes, and has not saved yet.
  /// While its own run is among them, commits save that first.
  owed_notes& owed() noexcept { return owed_; }

  store& disk() noexcept { return *disk_; }

private:
  journal_config config_;
  std::unique_ptr<store> disk_;
  owed_notes owed_;
  std::vector<queued_batch> queued_;
  std::size_t queued_changes_ = 0;
  std::size_t queued_bytes_ = 0;
  /// Committed since the last fold().
  std::size_t recent_rows_ = 0;
  /// Per shard: batches of this epoch or an older one are void.
  std::vector<std::uint64_t> void_epochs_;
  /// Per shard: the newest mark that holds if what is queued is committed.
  std::vector<std::uint64_t> shard_marks_;
  /// The newest that has come from all, and was not reported; 0: none.
  std::uint64_t complete_mark_ = 0;
  std::uint64_t reported_mark_ = 0;
};

} // namespace panal
