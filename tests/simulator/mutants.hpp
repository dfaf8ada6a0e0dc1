#pragma once

// The planted bugs of storage/mutant.hpp, and which of them is switched on.

#include <array>
#include <string_view>

namespace panal {

enum class mutant : int {
  none,
  ack_before_merge,
  answer_before_commit,
  below_line_accepted,
  collect_by_age,
  cursor_off_by_one,
  delete_without_tombstone,
  expiry_without_stub,
  failed_commit_stays_visible,
  failed_merge_acknowledged,
  frame_starts_where_it_ends,
  gap_accepted,
  merge_does_not_observe,
  put_over_expired_without_floor,
  read_before_commit,
  rejoin_drops_own_writes,
  repair_hides_tombstones,
  restored_not_fenced,
  tombstone_beats_nothing,
  wrong_tie_break,
  repair_drops_above_the_line,
  rewind_forgotten,
  clear_forgotten_at_start,
  expiry_ignored,
  ttl_ignored,
  digest_keeps_the_old,
  failed_commit_acknowledged,
  expired_winner_dropped_alone,
  expired_version_stands,
  merge_ignores_clear,
  line_of_own_row_alone,
  moved_rows_skipped,
  unsafe_clock_writes,
  newcomer_not_fenced,
  sync_without_flush,
  memory_limit_ignored,
  deletes_of_the_lone_told,
};

/// Set before the worlds are run, and not while they are.
extern mutant active_mutant;

/// In the order of the enumerators, without `none`.
inline constexpr std::array<std::string_view, 36> mutant_names{
    "ack_before_merge",
    "answer_before_commit",
    "below_line_accepted",
    "collect_by_age",
    "cursor_off_by_one",
    "delete_without_tombstone",
    "expiry_without_stub",
    "failed_commit_stays_visible",
    "failed_merge_acknowledged",
    "frame_starts_where_it_ends",
    "gap_accepted",
    "merge_does_not_observe",
    "put_over_expired_without_floor",
    "read_before_commit",
    "rejoin_drops_own_writes",
    "repair_hides_tombstones",
    "restored_not_fenced",
    "tombstone_beats_nothing",
    "wrong_tie_break",
    "repair_drops_above_the_line",
    "rewind_forgotten",
    "clear_forgotten_at_start",
    "expiry_ignored",
    "ttl_ignored",
    "digest_keeps_the_old",
    "failed_commit_acknowledged",
    "expired_winner_dropped_alone",
    "expired_version_stands",
    "merge_ignores_clear",
    "line_of_own_row_alone",
    "moved_rows_skipped",
    "unsafe_clock_writes",
    "newcomer_not_fenced",
    "sync_without_flush",
    "memory_limit_ignored",
    "deletes_of_the_lone_told",
};

} // namespace panal
