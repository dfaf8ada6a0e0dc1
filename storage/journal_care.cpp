#include "storage/journal_care.hpp"

namespace panal {

namespace {

/// Peers whose reads are counted at once.
constexpr std::size_t unread_max = 1'024;

/// What is wanted is read again long before.
constexpr std::chrono::seconds unread_remembered{20};

} // namespace

void journal_care::went_wrong(std::string_view event, const error& why) {
  if (troubles_.size() < troubles_max)
    troubles_.push_back({event, why});
}

// What is owed need not wait any longer either.
void journal_care::took(time_point now) {
  node_.clear(condition::disk_full);
  node_.clear(condition::disk_failing);
  if (!probing_.is_failing())
    return;
  probing_.succeeded();
  went_wrong("disk_takes_writes", {});
  log_.owed().hurry(now);
  folding_.hurry(now);
}

void journal_care::refused(const error& why, time_point now) {
  probing_.failed(now);
  node_.clear(condition::disk_full);
  node_.clear(condition::disk_failing);
  if (why.code == errc::storage_full)
    node_.set(condition::disk_full);
  else if (why.code != errc::storage_gone) // which has a condition of its own
    node_.set(condition::disk_failing);
}

commit_report journal_care::commit(time_point now) {
  auto report = log_.commit();
  if (report.code == errc::ok) {
    took(now);
  } else {
    const error why{report.code, report.detail};
    went_wrong("commit_failed", why);
    refused(why, now);
  }
  return report;
}

journal::fold_result journal_care::fold(time_point now) {
  if (!folding_.is_due(now))
    return journal::fold_result::waits;
  fold_wait_ = {};
  const auto rows = log_.disk().journal_rows();
  const auto found = log_.fold();
  if (!found) {
    went_wrong("fold_failed", found.error());
    fold_wait_ = folding_.failed(now);
    node_.set(condition::fold_failing);
    return journal::fold_result::waits;
  }
  // A look that has made no step proves nothing of the disk.
  if (rows == 0 || log_.disk().journal_rows() < rows) {
    folding_.succeeded();
    node_.clear(condition::fold_failing);
  }
  return *found;
}

result<std::vector<change>>
journal_care::read_after(origin_id peer, position after, read_limits limits) {
  auto found = log_.disk().read_after(after, limits);
  if (found) {
    unread_.erase(peer);
  } else {
    went_wrong("backlog_read_failed", found.error());
    if (unread_.size() < unread_max)
      unread_[peer] = ticked_;
  }
  show_unread();
  return found;
}

void journal_care::show_unread() {
  if (unread_.empty())
    node_.clear(condition::backlog_unreadable);
  else
    node_.set(condition::backlog_unreadable, unread_.size());
}

saved_notes journal_care::settle(time_point now) {
  auto saved = log_.owed().settle(log_.disk(), now);
  if (saved.failure.code != errc::ok)
    went_wrong("save_failed", saved.failure);
  if (const auto count = log_.owed().count(); count > 0)
    node_.set(condition::notes_owed, count);
  else
    node_.clear(condition::notes_owed);
  return saved;
}

void journal_care::look_at_disk(time_point now) {
  const auto found = log_.disk().look_after();
  if (!found.is_gone)
    node_.clear(condition::data_directory_gone);
  else if (node_.set(condition::data_directory_gone))
    went_wrong("data_directory_gone", {errc::storage_gone, found.detail});
  if (found.lacks_reserve)
    node_.set(condition::reserve_missing);
  else
    node_.clear(condition::reserve_missing);
  if (found.keeps_reserve)
    node_.show(figure::reserve_bytes, found.reserve_bytes);
  if (!probing_.is_failing() || !probing_.is_due(now))
    return;
  if (const auto taken = log_.disk().probe(); taken)
    took(now);
  else
    refused(taken.error(), now);
}

saved_notes journal_care::tick(time_point now) {
  ticked_ = now;
  std::erase_if(unread_, [now](const auto& each) {
    return now - each.second > unread_remembered;
  });
  show_unread();
  look_at_disk(now);
  return settle(now);
}

} // namespace panal
