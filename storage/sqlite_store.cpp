#include "storage/sqlite_store.hpp"

#include "storage/checksum.hpp"
#include "storage/sequence.hpp"
#include "storage/sqlite_changes.hpp"
#include "storage/sqlite_file.hpp"
#include "storage/sqlite_handle.hpp"
#include "storage/sqlite_notes.hpp"
#include "storage/sqlite_sql.hpp"
#include "storage/sqlite_transactions.hpp"

#include <algorithm>
#include <optional>
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
  /// What cannot be read of it.
  std::optional<damaged> damage;
  std::uint32_t key_sum = 0;
};

fold_row fold_row_of(const statement& found) {
  const auto wanted = found.bits(3);
  const auto sum = found.bits(4);
  fold_row row{std::string{found.bytes(1)},
               found.bits(0),
               found.bits(2) == 0,
               {},
               key_part(wanted)};
  if (sum != wanted)
    row.damage = key_part(sum) == row.key_sum ? damaged::entry : damaged::key;
  return row;
}

/// Orders by key, a key's newest row first.
bool folds_before(const fold_row& x, const fold_row& y) {
  auto order = x.key.compare(y.key);
  return order != 0 ? order < 0 : x.at > y.at;
}

/// What the change log runs, prepared once, at opening.
struct statements {
  statement append, read_oldest, put_entry, remove_entry, trim, save_folded;
  statement shelve, shelve_gap, unshelve, remove_row, read_number, set_origin;

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
                              {&all.shelve, sql::shelve},
                              {&all.shelve_gap, sql::shelve_gap},
                              {&all.unshelve, sql::unshelve},
                              {&all.remove_row, sql::remove_row},
                              {&all.read_number, sql::read_number},
                              {&all.set_origin, sql::set_origin}});
  if (!prepared)
    return prepared.error();
  return all;
}

class sqlite_store_impl final : public sqlite_store {
public:
  sqlite_store_impl(directory_lock lock, std::unique_ptr<transactions> log,
                    statements prepared, change_reader changes, notes kept)
      : lock_{std::move(lock)},
        transactions_{std::move(log)},
        run_{std::move(prepared)},
        changes_{std::move(changes)},
        notes_{std::move(kept)} {
    // nop
  }

  /// Reads where the sequence stands. Called once, before all else.
  result<void> restore();

  using store::append_all;
  result<void> append_all(std::span<const change* const> changes,
                          bool flush) override;
  result<fold_step> fold(std::size_t changes_max) override;
  using store::load;
  result<void> load(const visitor& visit,
                    const damage_visitor& damage) override;
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override;
  std::vector<damaged_row> take_damage() override {
    return changes_.take_damage();
  }

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
  result<void> save_facts(const fact_map& facts) override {
    return notes_.save_facts(facts);
  }
  result<fact_map> facts() override { return notes_.facts(); }
  result<void> add_run(const run_record& run, origin_id peer) override {
    return notes_.add_run(run, peer);
  }
  result<std::map<origin_id, std::vector<run_record>>> runs() override {
    return notes_.runs();
  }

  result<void> drop_damaged_notes() override {
    return transactions_->run("drop_damaged_notes", [&] {
      return transactions_->db().run(sql::drop_damaged_notes);
    });
  }
  result<void> rebirth_from(origin_id fresh, std::span<const change> kept,
                            const reissue_source& again,
                            const fact_map& facts) override;
  using store::reissues;
  result<std::vector<reissue>> reissues(std::string_view after,
                                        read_limits limits) override {
    return notes_.reissues(after, limits);
  }
  result<std::string> reissue_of(std::string_view key) override {
    return notes_.reissue_of(key);
  }
  result<void> remove_reissue(std::string_view key) override {
    return notes_.remove_reissue(key);
  }

  result<void> limit_pages(std::uint32_t pages_max) override;
  disk_state look_after() override { return transactions_->look_after(); }
  result<void> probe() override { return transactions_->probe(); }

private:
  /// The value of a statement's first row; nothing if it has no row.
  result<std::optional<std::uint64_t>> value(statement& of);
  result<std::optional<std::uint64_t>> value(std::string_view sql);
  /// One of the directory's own numbers; nothing if it cannot be read.
  result<std::optional<std::uint64_t>> number(std::string_view name);
  result<void> restore_origin();
  result<void> restore_ends();
  result<std::vector<fold_row>> oldest(std::size_t changes_max);
  int fold_into_entries(std::span<const fold_row> winners, position last);
  int fold_row_in(const fold_row& row);
  int set_aside(std::span<const fold_row> rows);
  /// Steps of a transaction, like the one above: SQLite's code.
  int append_row(const change& row);
  int begin_incarnation(origin_id fresh, std::span<const change> kept);

  directory_lock lock_;
  std::unique_ptr<transactions> transactions_;
  statements run_;
  change_reader changes_;
  notes notes_;
  origin_id origin_ = 0;
  /// How many of the directory's own numbers could not be read.
  std::size_t lost_numbers_ = 0;
  /// The newest change, and the newest that was folded: the journal's rows
  /// are those between.
  position last_ = 0;
  position folded_ = 0;
};

result<std::optional<std::uint64_t>> sqlite_store_impl::value(statement& of) {
  rows found{of};
  if (found.next())
    return std::optional{found->bits(0)};
  if (!found.complete())
    return transactions_->db().failure("opening");
  return std::optional<std::uint64_t>{};
}

result<std::optional<std::uint64_t>>
sqlite_store_impl::value(std::string_view sql) {
  auto prepared = transactions_->db().prepare(sql);
  if (!prepared)
    return prepared.error();
  return value(*prepared);
}

result<std::optional<std::uint64_t>>
sqlite_store_impl::number(std::string_view name) {
  auto read = value(run_.read_number.bind_text(1, name));
  if (read && !*read)
    ++lost_numbers_;
  return read;
}

result<void> sqlite_store_impl::restore() {
  if (auto done = restore_origin(); !done)
    return done;
  return restore_ends();
}

result<void> sqlite_store_impl::restore_origin() {
  auto origin = number("origin");
  auto copy = number("origin copy");
  if (!origin)
    return origin.error();
  if (!copy)
    return copy.error();
  const auto found = origin->value_or(copy->value_or(own_change));
  if (found == own_change || copy->value_or(found) != found)
    return error{errc::corrupt, "the data directory's identity is damaged"};
  origin_ = found;
  if (!*origin || !*copy)
    return transactions_->run("restoring the identity", [&] {
      return run_.set_origin.bind(1, origin_).run();
    });
  return {};
}

// Where it cannot be read how far folding has come, the rows tell it.
result<void> sqlite_store_impl::restore_ends() {
  auto folded = number("folded");
  auto first = value(sql::read_first);
  auto last = value(sql::read_last);
  auto entry = value(sql::read_last_entry);
  for (auto* read : {&folded, &first, &last, &entry})
    if (!*read)
      return read->error();
  folded_ = folded->value_or(*first ? **first - 1 : entry->value_or(0));
  last_ = last->value_or(folded_);
  if (last_ < folded_)
    return error{errc::corrupt, "the journal's end is wrong"};
  return {};
}

int sqlite_store_impl::append_row(const change& row) {
  return run_.append.bind(1, row.at)
      .bind(2, row.key)
      .bind(3, row.entry)
      .bind(4, row.source)
      .bind(5, row_sum(row.at, row.key, row.entry, row.source))
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
  auto expected = folded_ + 1;
  rows journal{run_.read_oldest.bind(1, std::uint64_t{changes_max})};
  while (bytes < fold_bytes_max && journal.next()) {
    if (journal->bits(0) > expected)
      read.push_back({{}, expected, false, damaged::missing, 0});
    expected = journal->bits(0) + 1;
    read.push_back(fold_row_of(*journal.operator->()));
    bytes += read.back().key.size() + journal->bits(2);
  }
  if (bytes < fold_bytes_max && !journal.complete())
    return transactions_->db().failure("fold");
  return read;
}

int sqlite_store_impl::fold_row_in(const fold_row& row) {
  auto code = row.removes ? run_.remove_entry.bind(1, row.key).run()
                          : run_.put_entry.bind(1, row.at).run();
  if (code == SQLITE_OK && changes_.has_shelf())
    code = run_.unshelve.bind(1, row.key)
               .bind(2, std::uint64_t{row.key_sum})
               .bind(3, row.at)
               .run();
  // Rows that the key itself does not find any more.
  for (const auto& old : changes_.unnamed_entries)
    if (code == SQLITE_OK && old.key_sum == row.key_sum && old.at < row.at)
      code = run_.remove_row.bind(1, old.at).run();
  return code;
}

int sqlite_store_impl::fold_into_entries(std::span<const fold_row> winners,
                                         position last) {
  for (const auto& row : winners)
    if (auto code = fold_row_in(row); code != SQLITE_OK)
      return code;
  auto code = run_.trim.bind(1, last).run();
  return code == SQLITE_OK ? run_.save_folded.bind(1, last).run() : code;
}

// What is damaged goes nowhere but to the shelf.
int sqlite_store_impl::set_aside(std::span<const fold_row> rows) {
  for (const auto& row : rows) {
    changes_.met({*row.damage, row.at, row.key, row.key_sum});
    changes_.shelf_changed();
    auto code = *row.damage == damaged::missing
                    ? run_.shelve_gap.bind(1, row.at).run()
                    : run_.shelve.bind(1, row.at).run();
    if (code != SQLITE_OK)
      return code;
  }
  return SQLITE_OK;
}

result<fold_step> sqlite_store_impl::fold(std::size_t changes_max) {
  auto read = oldest(changes_max);
  if (!read)
    return read.error();
  if (read->empty())
    return fold_step{};
  auto last = read->back().at;
  fold_step step{last - folded_};
  const auto bad = std::ranges::stable_partition(
      *read, [](const fold_row& row) { return !row.damage; });
  const std::vector<fold_row> aside{bad.begin(), bad.end()};
  read->erase(bad.begin(), bad.end());
  std::ranges::sort(*read, folds_before);
  auto superseded = std::ranges::unique(*read, {}, &fold_row::key);
  read->erase(superseded.begin(), superseded.end());
  auto code = SQLITE_OK;
  auto done = transactions_->run("fold", [&] {
    code = set_aside(aside);
    return code == SQLITE_OK ? code = fold_into_entries(*read, last) : code;
  });
  // An index that does not fit its table would stop folding for ever.
  if (code == SQLITE_CORRUPT_INDEX)
    static_cast<void>(transactions_->db().run(sql::reindex));
  if (!done)
    return done.error();
  folded_ = last;
  return step;
}

result<void> sqlite_store_impl::load(const visitor& visit,
                                     const damage_visitor& damage) {
  if (auto done = changes_.load({folded_, last_}, visit, damage); !done)
    return done;
  for (std::size_t i = 0; i < lost_numbers_; ++i)
    damage({damaged::number, 0, {}, 0});
  return notes_.tell(damage);
}

result<std::vector<change>> sqlite_store_impl::read_after(position after,
                                                          read_limits limits) {
  // Compared here as unsigned numbers; in the database they are signed.
  if (after >= last_)
    return std::vector<change>{};
  return changes_.read_after({folded_, last_}, after, limits);
}

int sqlite_store_impl::begin_incarnation(origin_id fresh,
                                         std::span<const change> kept) {
  auto code = transactions_->db().run(sql::drop_damaged_notes);
  if (code == SQLITE_OK)
    code = transactions_->db().run(sql::forget_incarnation);
  if (code == SQLITE_OK)
    code = run_.set_origin.bind(1, fresh).run();
  for (const auto& row : kept)
    if (code == SQLITE_OK)
      code = append_row(row);
  return code;
}

result<void> sqlite_store_impl::rebirth_from(origin_id fresh,
                                             std::span<const change> kept,
                                             const reissue_source& again,
                                             const fact_map& facts) {
  if (auto in_order = check_rebirth(fresh, kept); !in_order)
    return in_order;
  result<void> given;
  auto steps = [&] {
    // Before anything goes: it may come from there.
    auto code = SQLITE_OK;
    given = again([&](const reissue& write) {
      if (code == SQLITE_OK)
        code = notes_.add(write);
    });
    if (code == SQLITE_OK && !given)
      code = SQLITE_ABORT;
    if (code == SQLITE_OK)
      code = begin_incarnation(fresh, kept);
    return code == SQLITE_OK ? notes_.add(facts) : code;
  };
  // Flushed at every level: it is rare, and what was issued under the new
  // origin must not outlive it.
  auto done = transactions_->run("rebirth", steps, true);
  if (!given)
    return given;
  if (!done)
    return done;
  origin_ = fresh;
  lost_numbers_ = 0;
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
  auto log = transactions::start(
      std::move(db->writer), std::move(db->checkpoints), std::move(db->spare),
      std::move(db->files), config.level);
  if (!log)
    return log.error();
  auto prepared = statements::prepare((*log)->db());
  if (!prepared)
    return prepared.error();
  auto changes = change_reader::prepare((*log)->db());
  if (!changes)
    return changes.error();
  auto kept = notes::prepare(**log);
  if (!kept)
    return kept.error();
  auto opened = std::make_unique<sqlite_store_impl>(
      std::move(db->lock), std::move(*log), std::move(*prepared),
      std::move(*changes), std::move(*kept));
  if (auto restored = opened->restore(); !restored)
    return restored.error();
  if (config.pages_max > 0)
    if (auto limited = opened->limit_pages(config.pages_max); !limited)
      return limited.error();
  return std::unique_ptr<store>{std::move(opened)};
}

} // namespace panal
