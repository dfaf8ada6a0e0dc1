#include "storage/sqlite_store.hpp"

#include "storage/sequence.hpp"
#include "storage/sqlite_file.hpp"
#include "storage/sqlite_handle.hpp"
#include "storage/sqlite_notes.hpp"
#include "storage/sqlite_sql.hpp"
#include "storage/sqlite_transactions.hpp"

#include <algorithm>
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

/// What the change log runs, prepared once, at opening.
struct statements {
  statement append, read_oldest, put_entry, remove_entry, trim, save_folded;
  statement read_entries, read_journal, replace_origin;

  static result<statements> prepare(const connection& db);
};

result<statements> statements::prepare(const connection& db) {
  statements all;
  auto prepared = db.prepare({{&all.append, sql::append},
                              {&all.read_oldest, sql::read_oldest},
                              {&all.put_entry, sql::put_entry},
                              {&all.remove_entry, sql::remove_entry},
                              {&all.trim, sql::trim},
                              {&all.save_folded, sql::save_folded},
                              {&all.read_entries, sql::read_entries},
                              {&all.read_journal, sql::read_journal},
                              {&all.replace_origin, sql::replace_origin}});
  if (!prepared)
    return prepared.error();
  return all;
}

class sqlite_store_impl final : public sqlite_store {
public:
  sqlite_store_impl(directory_lock lock, std::unique_ptr<transactions> log,
                    statements prepared, notes kept)
      : lock_{std::move(lock)},
        transactions_{std::move(log)},
        run_{std::move(prepared)},
        notes_{std::move(kept)} {
    // nop
  }

  /// Reads where the sequence stands. Called once, before all else.
  result<void> restore();

  using store::append_all;
  result<void> append_all(std::span<const change* const> changes,
                          bool flush) override;
  result<fold_step> fold(std::size_t changes_max) override;
  result<void> load(const visitor& visit) override;
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override;

  position last_position() const override { return last_; }
  std::size_t journal_rows() const override { return last_ - folded_; }
  origin_id origin() const override { return origin_; }

  result<void> save_cursor(origin_id peer, position acknowledged) override {
    return notes_.save_cursor(peer, acknowledged);
  }
  result<std::map<origin_id, position>> cursors() override {
    return notes_.cursors();
  }
  result<void> save_member(const member& who) override {
    return notes_.save_member(who);
  }
  result<void> remove_member(origin_id who) override {
    return notes_.remove_member(who);
  }
  result<std::vector<member>> members() override { return notes_.members(); }
  result<void> save_fact(fact which, std::uint64_t value) override {
    return notes_.save_fact(which, value);
  }
  result<fact_map> facts() override { return notes_.facts(); }
  result<void> add_run(const run_record& run, origin_id peer) override {
    return notes_.add_run(run, peer);
  }
  result<std::map<origin_id, std::vector<run_record>>> runs() override {
    return notes_.runs();
  }

  result<void> rebirth(origin_id fresh, std::span<const change> kept,
                       std::span<const reissue> again,
                       const fact_map& facts) override;
  result<std::vector<reissue>> reissues() override { return notes_.reissues(); }
  result<void> remove_reissue(std::string_view key) override {
    return notes_.remove_reissue(key);
  }

  result<void> limit_pages(std::uint32_t pages_max) override;

private:
  /// The one value of a statement's first row; `missing` if it has no row.
  result<std::uint64_t> value(std::string_view sql);
  result<std::vector<fold_row>> oldest(std::size_t changes_max);
  int fold_into_entries(std::span<const fold_row> winners, position last);
  /// Steps of a transaction, like the one above: SQLite's code.
  int append_row(const change& row);
  int begin_incarnation(origin_id fresh, std::span<const change> kept);

  directory_lock lock_;
  std::unique_ptr<transactions> transactions_;
  statements run_;
  notes notes_;
  origin_id origin_ = 0;
  /// The newest change, and the newest that was folded: the journal's rows
  /// are those between.
  position last_ = 0;
  position folded_ = 0;
};

result<std::uint64_t> sqlite_store_impl::value(std::string_view sql) {
  auto prepared = transactions_->db().prepare(sql);
  if (!prepared)
    return prepared.error();
  rows found{*prepared};
  if (found.next())
    return found->bits(0);
  if (!found.complete())
    return transactions_->db().failure("opening");
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

int sqlite_store_impl::append_row(const change& row) {
  return run_.append.bind(1, row.at)
      .bind(2, row.key)
      .bind(3, row.entry)
      .bind(4, row.source)
      .run();
}

result<void>
sqlite_store_impl::append_all(std::span<const change* const> changes,
                              bool flush) {
  if (auto in_order = check_sequence(last_, changes); !in_order)
    return in_order;
  if (changes.empty())
    return {};
  auto steps = [&] {
    for (const auto* next : changes)
      if (auto code = append_row(*next); code != SQLITE_OK)
        return code;
    return SQLITE_OK;
  };
  auto done = transactions_->run("append", steps, flush);
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
    return transactions_->db().failure("fold");
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
  auto done = transactions_->run(
      "fold", [&] { return fold_into_entries(*read, last); });
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
      return transactions_->db().failure("load");
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
      return transactions_->db().failure("read_after");
  }
  return read;
}

int sqlite_store_impl::begin_incarnation(origin_id fresh,
                                         std::span<const change> kept) {
  auto code = transactions_->db().run(sql::forget_incarnation);
  if (code == SQLITE_OK)
    code = run_.replace_origin.bind(1, fresh).run();
  for (const auto& row : kept)
    if (code == SQLITE_OK)
      code = append_row(row);
  return code;
}

result<void> sqlite_store_impl::rebirth(origin_id fresh,
                                        std::span<const change> kept,
                                        std::span<const reissue> again,
                                        const fact_map& facts) {
  if (auto in_order = check_rebirth(fresh, kept); !in_order)
    return in_order;
  auto steps = [&] {
    auto code = begin_incarnation(fresh, kept);
    if (code == SQLITE_OK)
      code = notes_.add(again);
    return code == SQLITE_OK ? notes_.add(facts) : code;
  };
  // Flushed at every level: it is rare, and what was issued under the new
  // origin must not outlive it.
  auto done = transactions_->run("rebirth", steps, true);
  if (!done)
    return done;
  origin_ = fresh;
  folded_ = 0;
  last_ = kept.size();
  return {};
}

result<void> sqlite_store_impl::limit_pages(std::uint32_t pages_max) {
  auto pragma = std::string{sql::limit_pages} + std::to_string(pages_max);
  return transactions_->db().execute(pragma.c_str());
}

} // namespace

result<std::unique_ptr<store>> sqlite_store::open(const sqlite_config& config) {
  auto db = sqlite::open_database(config);
  if (!db)
    return db.error();
  auto log = transactions::start(std::move(db->writer),
                                 std::move(db->checkpoints), config.level);
  if (!log)
    return log.error();
  auto prepared = statements::prepare((*log)->db());
  if (!prepared)
    return prepared.error();
  auto kept = notes::prepare(**log);
  if (!kept)
    return kept.error();
  auto opened = std::make_unique<sqlite_store_impl>(
      std::move(db->lock), std::move(*log), std::move(*prepared),
      std::move(*kept));
  if (auto restored = opened->restore(); !restored)
    return restored.error();
  if (config.pages_max > 0)
    if (auto limited = opened->limit_pages(config.pages_max); !limited)
      return limited.error();
  return std::unique_ptr<store>{std::move(opened)};
}

} // namespace panal
