#include "storage/sqlite_store.hpp"

#include "storage/sequence.hpp"
#include "storage/sqlite_checkpointer.hpp"
#include "storage/sqlite_file.hpp"
#include "storage/sqlite_handle.hpp"
#include "storage/sqlite_sql.hpp"

#include <algorithm>
#include <concepts>
#include <utility>

namespace panal {

namespace {

using namespace sqlite;

/// What one folding step moves at most, beyond its first row: bounds the time
/// and the length of the write-ahead log that large entries cost.
constexpr std::size_t fold_bytes_max = std::size_t{16} << 20;

/// A journal row that is about to be folded, without its entry.
struct fold_row {
  std::string key;
  position at = 0;
  bool removes = false;
};

/// Orders by key, a key's newest row first.
bool folds_before(const fold_row& x, const fold_row& y) {
  auto order = x.key.compare(y.key);
  return order != 0 ? order < 0 : x.at > y.at;
}

/// Everything prepared once, at opening.
struct statements {
  statement begin, commit, rollback, fence;
  statement append, read_oldest, put_entry, remove_entry, trim, save_folded;
  statement read_entries, read_journal;
  statement save_cursor, read_cursors;
  statement save_member, remove_member, read_members;

  static result<statements> prepare(const connection& db);
};

result<statements> statements::prepare(const connection& db) {
  statements all;
  const std::pair<statement*, std::string_view> table[] = {
      {&all.begin, sql::begin},
      {&all.commit, sql::commit},
      {&all.rollback, sql::rollback},
      {&all.fence, sql::fence},
      {&all.append, sql::append},
      {&all.read_oldest, sql::read_oldest},
      {&all.put_entry, sql::put_entry},
      {&all.remove_entry, sql::remove_entry},
      {&all.trim, sql::trim},
      {&all.save_folded, sql::save_folded},
      {&all.read_entries, sql::read_entries},
      {&all.read_journal, sql::read_journal},
      {&all.save_cursor, sql::save_cursor},
      {&all.read_cursors, sql::read_cursors},
      {&all.save_member, sql::save_member},
      {&all.remove_member, sql::remove_member},
      {&all.read_members, sql::read_members}};
  for (auto [to, text] : table) {
    auto prepared = db.prepare(text);
    if (!prepared)
      return prepared.error();
    *to = std::move(*prepared);
  }
  return all;
}

class sqlite_store_impl final : public sqlite_store {
public:
  sqlite_store_impl(directory_lock lock, connection db, statements prepared,
                    std::unique_ptr<checkpointer> checkpoints)
      : lock_{std::move(lock)},
        db_{std::move(db)},
        run_{std::move(prepared)},
        checkpoints_{std::move(checkpoints)} {
    db_.report_log_frames(log_frames_);
  }

  /// Reads where the sequence stands. Called once, before all else.
  result<void> restore();

  result<void> append_all(std::span<const change* const> changes) override;
  result<fold_step> fold(std::size_t changes_max) override;
  result<void> load(const visitor& visit) override;
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override;

  position last_position() const override { return last_; }
  std::size_t journal_rows() const override { return last_ - folded_; }
  origin_id origin() const override { return origin_; }

  result<void> save_cursor(origin_id peer, position acknowledged) override;
  result<std::map<origin_id, position>> cursors() override;
  result<void> save_member(const member& who) override;
  result<void> remove_member(origin_id who) override;
  result<std::vector<member>> members() override;

  result<void> limit_pages(std::uint32_t pages_max) override;

private:
  /// Runs `steps` (which answer SQLite's code) as one transaction: all of
  /// them are durable afterwards, or none has happened.
  result<void> transact(std::string_view doing,
                        std::invocable<> auto const& steps);
  /// Undoes what a failed transaction left behind.
  void roll_back(bool flush_failed);

  /// The one value of a statement's first row; `missing` if it has no row.
  result<std::uint64_t> value(std::string_view sql);
  result<std::vector<fold_row>> oldest(std::size_t changes_max);
  int fold_into_entries(std::span<const fold_row> winners, position last);

  directory_lock lock_;
  /// The log's length after the last commit.
  std::uint64_t log_frames_ = 0;
  connection db_;
  statements run_;
  std::unique_ptr<checkpointer> checkpoints_;
  origin_id origin_ = 0;
  /// The newest change, and the newest that was folded: the journal's rows
  /// are those between.
  position last_ = 0;
  position folded_ = 0;
};

result<std::uint64_t> sqlite_store_impl::value(std::string_view sql) {
  auto prepared = db_.prepare(sql);
  if (!prepared)
    return prepared.error();
  rows found{*prepared};
  if (found.next())
    return found->bits(0);
  if (!found.complete())
    return db_.failure("opening");
  return error{errc::corrupt, "missing: " + std::string{sql}};
}

result<void> sqlite_store_impl::restore() {
  auto origin = value(sql::read_origin);
  if (!origin)
    return origin.error();
  auto folded = value(sql::read_folded);
  if (!folded)
    return folded.error();
  auto last = value(sql::read_last);
  if (!last)
    return last.error();
  if (*origin == own_change || *last < *folded)
    return error{errc::corrupt, "the origin or the journal's end is wrong"};
  origin_ = *origin;
  folded_ = *folded;
  last_ = *last;
  return {};
}

result<void> sqlite_store_impl::transact(std::string_view doing,
                                         std::invocable<> auto const& steps) {
  auto code = run_.begin.run();
  if (code == SQLITE_OK)
    code = steps();
  if (code == SQLITE_OK)
    code = run_.commit.run();
  if (code == SQLITE_OK) {
    checkpoints_->after_commit(db_, log_frames_);
    return {};
  }
  auto why = db_.failure(doing);
  roll_back(db_.flush_failed());
  return why;
}

void sqlite_store_impl::roll_back(bool flush_failed) {
  // SQLite has rolled back by itself after the graver errors.
  if (db_.in_transaction())
    run_.rollback.run();
  // A commit whose flush failed is complete in the log, and the next opening
  // would find it there. Any later commit takes its place in the log.
  if (flush_failed)
    run_.fence.run();
}

result<void>
sqlite_store_impl::append_all(std::span<const change* const> changes) {
  if (auto in_order = check_sequence(last_, changes); !in_order)
    return in_order;
  if (changes.empty())
    return {};
  auto done = transact("append", [&] {
    for (const auto* next : changes) {
      auto code = run_.append.bind(1, next->at)
                      .bind(2, next->key)
                      .bind(3, next->entry)
                      .bind(4, next->source)
                      .run();
      if (code != SQLITE_OK)
        return code;
    }
    return SQLITE_OK;
  });
  if (done)
    last_ += changes.size();
  return done;
}

result<std::vector<fold_row>>
sqlite_store_impl::oldest(std::size_t changes_max) {
  std::vector<fold_row> read;
  std::size_t bytes = 0;
  rows journal{run_.read_oldest.bind(1, std::uint64_t{changes_max})};
  while (bytes < fold_bytes_max && journal.next()) {
    auto entry_bytes = journal->bits(2);
    read.push_back(
        {std::string{journal->bytes(1)}, journal->bits(0), entry_bytes == 0});
    bytes += read.back().key.size() + entry_bytes;
  }
  if (bytes < fold_bytes_max && !journal.complete())
    return db_.failure("fold");
  return read;
}

int sqlite_store_impl::fold_into_entries(std::span<const fold_row> winners,
                                         position last) {
  for (const auto& row : winners) {
    auto code = row.removes ? run_.remove_entry.bind(1, row.key).run()
                            : run_.put_entry.bind(1, row.at).run();
    if (code != SQLITE_OK)
      return code;
  }
  auto code = run_.trim.bind(1, last).run();
  return code == SQLITE_OK ? run_.save_folded.bind(1, last).run() : code;
}

result<fold_step> sqlite_store_impl::fold(std::size_t changes_max) {
  auto read = oldest(changes_max);
  if (!read)
    return read.error();
  if (read->empty())
    return fold_step{};
  fold_step step{read->size()};
  auto last = read->back().at;
  std::ranges::sort(*read, folds_before);
  auto superseded = std::ranges::unique(*read, {}, &fold_row::key);
  read->erase(superseded.begin(), superseded.end());
  auto done = transact("fold", [&] { return fold_into_entries(*read, last); });
  if (!done)
    return done.error();
  folded_ = last;
  return step;
}

result<void> sqlite_store_impl::load(const visitor& visit) {
  for (auto table : {&run_.read_entries, &run_.read_journal}) {
    rows found{table->bind(1, position{0})};
    while (found.next())
      visit(found->bytes(1), found->bytes(2), found->bits(0));
    if (!found.complete())
      return db_.failure("load");
  }
  return {};
}

result<std::vector<change>> sqlite_store_impl::read_after(position after,
                                                          read_limits limits) {
  std::vector<change> read;
  std::size_t bytes = 0;
  // Compared here as unsigned numbers; in the database they are signed.
  if (after >= last_)
    return read;
  for (auto table : {&run_.read_entries, &run_.read_journal}) {
    if (table == &run_.read_entries && after >= folded_)
      continue;
    rows found{table->bind(1, after)};
    while (found.next()) {
      auto key = found->bytes(1);
      auto entry = found->bytes(2);
      bytes += key.size() + entry.size();
      if (read.size() >= limits.changes_max
          || (!read.empty() && bytes > limits.bytes_max))
        return read;
      read.push_back({found->bits(0), std::string{key}, std::string{entry},
                      found->bits(3)});
    }
    if (!found.complete())
      return db_.failure("read_after");
  }
  return read;
}

result<void> sqlite_store_impl::save_cursor(origin_id peer,
                                            position acknowledged) {
  return transact("save_cursor", [&] {
    return run_.save_cursor.bind(1, peer).bind(2, acknowledged).run();
  });
}

result<std::map<origin_id, position>> sqlite_store_impl::cursors() {
  std::map<origin_id, position> all;
  rows found{run_.read_cursors};
  while (found.next())
    all.emplace(found->bits(0), found->bits(1));
  if (!found.complete())
    return db_.failure("cursors");
  return all;
}

result<void> sqlite_store_impl::save_member(const member& who) {
  return transact("save_member", [&] {
    return run_.save_member.bind(1, who.origin)
        .bind(2, who.name)
        .bind(3, who.address)
        .run();
  });
}

result<void> sqlite_store_impl::remove_member(origin_id who) {
  return transact("remove_member",
                  [&] { return run_.remove_member.bind(1, who).run(); });
}

result<std::vector<member>> sqlite_store_impl::members() {
  std::vector<member> all;
  rows found{run_.read_members};
  while (found.next())
    all.push_back({found->bits(0), std::string{found->bytes(1)},
                   std::string{found->bytes(2)}});
  if (!found.complete())
    return db_.failure("members");
  std::ranges::sort(all, {}, &member::origin);
  return all;
}

result<void> sqlite_store_impl::limit_pages(std::uint32_t pages_max) {
  auto pragma = std::string{sql::limit_pages} + std::to_string(pages_max);
  return db_.execute(pragma.c_str());
}

} // namespace

result<std::unique_ptr<store>> sqlite_store::open(const sqlite_config& config) {
  auto db = sqlite::open_database(config);
  if (!db)
    return db.error();
  auto prepared = statements::prepare(db->writer);
  if (!prepared)
    return prepared.error();
  auto checkpoints = checkpointer::start(std::move(db->checkpoints));
  if (!checkpoints)
    return checkpoints.error();
  auto opened = std::make_unique<sqlite_store_impl>(
      std::move(db->lock), std::move(db->writer), std::move(*prepared),
      std::move(*checkpoints));
  if (auto restored = opened->restore(); !restored)
    return restored.error();
  if (config.pages_max > 0)
    if (auto limited = opened->limit_pages(config.pages_max); !limited)
      return limited.error();
  return std::unique_ptr<store>{std::move(opened)};
}

} // namespace panal
