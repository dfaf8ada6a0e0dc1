#pragma once

// Looks after what a journal's disk refuses: tries again what failed, after
// pauses, and states what is wrong until it is well again. Steps a journal for
// its actor, and for the simulator in the same way.

#include "storage/journal.hpp"
#include "storage/node_conditions.hpp"
#include "storage/owed_notes.hpp"
#include "storage/retry_pause.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace panal {

/// Something for the log.
struct trouble {
  /// What has failed: "commit_failed". Without an error: what is well again.
  std::string_view event;
  error why;
};

/// Not thread-safe; owned by the journal's actor.
class journal_care {
public:
  using time_point = retry_pause::time_point;

  /// @param log, node  outlive this.
  journal_care(journal& log, node_conditions& node) : log_{log}, node_{node} {}

  /// Steps journal::commit().
  commit_report commit(time_point now);
  /// Steps journal::fold(), unless a pause after a failure is not over: then
  /// and after a failure it says `waits`.
  journal::fold_result fold(time_point now);
  /// How long folding is to wait at least.
  std::chrono::milliseconds fold_pause() const noexcept { return fold_wait_; }
  /// Reads for a peer; see store::read_after.
  result<std::vector<change>> read_after(origin_id peer, position after,
                                         read_limits limits);
  /// Saves what journal::owed() holds, as far as it is due.
  saved_notes settle(time_point now);
  /// From a timer, several times a second: looks at the disk, and saves what
  /// is owed and due.
  saved_notes tick(time_point now);

  /// What has gone wrong since the last call, for the log; at most
  /// `troubles_max`.
  std::vector<trouble> take_troubles() { return std::exchange(troubles_, {}); }
  static constexpr std::size_t troubles_max = 16;

private:
  void went_wrong(std::string_view event, const error& why);
  void took(time_point now);
  void refused(const error& why, time_point now);
  void look_at_disk(time_point now);

  journal& log_;
  node_conditions& node_;
  /// After failed commits, when the disk is asked whether it takes a write.
  retry_pause probing_;
  retry_pause folding_{std::chrono::milliseconds{50},
                       std::chrono::milliseconds{5'000}};
  std::chrono::milliseconds fold_wait_{0};
  void show_unread();

  /// The peers for whom the last read has failed, and when that was: who does
  /// not read any more has gone, or has another identity now.
  std::map<origin_id, time_point> unread_;
  time_point ticked_{};
  std::vector<trouble> troubles_;
};

} // namespace panal
