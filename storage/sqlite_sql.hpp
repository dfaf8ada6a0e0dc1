#pragma once

// Every statement that the SQLite store runs, and the schema behind them.
// 64-bit values (positions, origins) are stored as the signed integer of the
// same bit pattern.
//
// An entry's row is numbered by its position: what was folded is read back by
// position in one sequential scan (a new peer takes the whole data set that
// way), and the key's index is the only second tree. Measured against
// WITHOUT ROWID by key plus an index on position: folding new keys was three
// times as fast; against rowid with both indexes: as fast, one tree less.

#include <string_view>

namespace panal::sqlite::sql {

/// Marks the file as Panal's in its header ("PNAL"); never changes.
inline constexpr std::string_view application_id = "1347305804";
/// The schema's number. A store refuses a file with a higher one.
inline constexpr int schema_version = 3;

/// Before the first read. Trimmed journal rows are not worth zeroing, which
/// distributions' builds do unless told not to.
inline constexpr auto prepare_connection = R"(
  PRAGMA locking_mode=NORMAL;
  PRAGMA page_size=4096;
  PRAGMA cache_size=-65536;
  PRAGMA temp_store=MEMORY;
  PRAGMA secure_delete=OFF;
  PRAGMA cell_size_check=ON;
  PRAGMA trusted_schema=OFF;
)";

inline constexpr std::string_view read_application_id = "PRAGMA application_id";
inline constexpr std::string_view read_schema_version = "PRAGMA user_version";
inline constexpr std::string_view count_tables =
    "SELECT count(*) FROM sqlite_schema";
inline constexpr std::string_view use_wal = "PRAGMA journal_mode=WAL";

/// Commits do not checkpoint: sqlite_checkpointer.hpp does.
inline constexpr auto bound_wal = "PRAGMA wal_autocheckpoint=0";
/// A number of bytes follows: what a large transaction leaves of the log's
/// file.
inline constexpr std::string_view limit_log = "PRAGMA journal_size_limit=";
inline constexpr auto sync_checkpoints = "PRAGMA synchronous=NORMAL";
inline constexpr auto sync_commits = "PRAGMA synchronous=FULL";
/// A number follows: pragmas take no parameters.
inline constexpr std::string_view limit_pages = "PRAGMA max_page_count=";

/// Takes an empty file to schema 1, as the first version made it. Never
/// changes: what comes later is a step of its own.
inline constexpr auto schema_1 = R"(
  CREATE TABLE journal(
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    entry BLOB NOT NULL,
    source INTEGER NOT NULL);
  CREATE TABLE entries(
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    entry BLOB NOT NULL);
  CREATE TABLE cursors(
    peer INTEGER PRIMARY KEY,
    acknowledged INTEGER NOT NULL);
  CREATE TABLE members(
    origin INTEGER PRIMARY KEY,
    name BLOB NOT NULL,
    address BLOB NOT NULL);
  CREATE TABLE meta(
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('folded', 0), ('fences', 0);
  PRAGMA application_id=1347305804;
  PRAGMA user_version=1;
)";
/// Takes schema 1 to 2.
inline constexpr auto schema_2 = R"(
  ALTER TABLE members ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE facts(
    number INTEGER PRIMARY KEY,
    value INTEGER NOT NULL);
  CREATE TABLE runs(
    place INTEGER PRIMARY KEY,
    peer INTEGER NOT NULL,
    id INTEGER NOT NULL,
    started_hlc INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    UNIQUE(peer, id));
  CREATE TABLE reissues(
    place INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    entry BLOB NOT NULL);
  PRAGMA user_version=2;
)";
/// Takes schema 2 to 3: every row gets a checksum over all its other columns
/// (storage/checksum.hpp), what is there now is taken for whole. A damaged row
/// that folding has met keeps its key in a table of its own; `found` is the
/// checksum that stood in it.
inline constexpr auto schema_3 = R"(
  ALTER TABLE journal ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE entries ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE cursors ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE members ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE meta ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE facts ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE reissues ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
  CREATE TABLE damaged(
    position INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    found INTEGER NOT NULL,
    checksum INTEGER NOT NULL);
  INSERT INTO meta(name, value)
    SELECT 'origin copy', value FROM meta WHERE name = 'origin';
  UPDATE journal SET checksum = row_sum(position, key, entry, source);
  UPDATE entries SET checksum = row_sum(position, key, entry, 0);
  UPDATE cursors SET checksum = sum_of(peer, acknowledged);
  UPDATE members SET checksum = sum_of(origin, name, address, forgotten);
  UPDATE meta SET checksum = sum_of(name, value);
  UPDATE facts SET checksum = sum_of(number, value);
  UPDATE runs SET checksum = sum_of(place, peer, id, started_hlc, reached);
  UPDATE reissues SET checksum = row_sum(0, key, entry, 0);
  PRAGMA user_version=3;
)";
/// The step at i takes schema i to i + 1; a new file takes them all.
inline constexpr const char* schema_steps[schema_version] = {schema_1, schema_2,
                                                             schema_3};
/// The identity stands in two rows: without it nothing can be told apart.
inline constexpr std::string_view set_origin =
    "INSERT OR REPLACE INTO meta VALUES"
    " ('origin', ?1, sum_of('origin', ?1)),"
    " ('origin copy', ?1, sum_of('origin copy', ?1))";

inline constexpr std::string_view begin = "BEGIN IMMEDIATE";
inline constexpr std::string_view commit = "COMMIT";
inline constexpr std::string_view rollback = "ROLLBACK";

/// The whole rows of the directory's own numbers, by name.
inline constexpr std::string_view read_number =
    "SELECT value FROM meta WHERE name = ?1"
    " AND checksum = sum_of(name, value)";
/// The position of the newest folded row, under the name `folded`. It outlives
/// the journal's rows, so that no position is ever given twice.
inline constexpr std::string_view save_folded =
    "INSERT OR REPLACE INTO meta VALUES"
    " ('folded', ?1, sum_of('folded', ?1))";
/// Changes nothing of the data, but writes (SQLite leaves out a write of the
/// same value).
inline constexpr std::string_view fence =
    "INSERT OR REPLACE INTO meta SELECT 'fences', n, sum_of('fences', n)"
    " FROM (SELECT coalesce(max(value), 0) + 1 AS n FROM meta"
    " WHERE name = 'fences')";

inline constexpr std::string_view append =
    "INSERT INTO journal VALUES (?1, ?2, ?3, ?4, ?5)";
/// The first and the last row of the journal, and the last entry; nothing of
/// what is empty.
inline constexpr std::string_view read_first =
    "SELECT position FROM journal ORDER BY position LIMIT 1";
inline constexpr std::string_view read_last =
    "SELECT position FROM journal ORDER BY position DESC LIMIT 1";
inline constexpr std::string_view read_last_entry =
    "SELECT position FROM entries ORDER BY position DESC LIMIT 1";
inline constexpr std::string_view read_oldest =
    "SELECT position, key, length(entry), checksum,"
    " row_sum(position, key, entry, source) FROM journal"
    " ORDER BY position LIMIT ?1";
inline constexpr std::string_view trim =
    "DELETE FROM journal WHERE position <= ?1";
/// Replaces the row of the same key.
inline constexpr std::string_view put_entry =
    "INSERT OR REPLACE INTO entries(position, key, entry, checksum)"
    " SELECT position, key, entry, row_sum(position, key, entry, 0)"
    " FROM journal WHERE position = ?1";
inline constexpr std::string_view remove_entry =
    "DELETE FROM entries WHERE key = ?1";
inline constexpr std::string_view remove_row =
    "DELETE FROM entries WHERE position = ?1";
/// After damage to the index alone, or to a key that stands in it.
inline constexpr auto reindex = "REINDEX entries";

/// Sets a damaged row of the journal aside.
inline constexpr std::string_view shelve =
    "INSERT OR REPLACE INTO damaged SELECT position, key, checksum,"
    " sum_of(position, key, checksum) FROM journal WHERE position = ?1";
inline constexpr std::string_view shelve_gap =
    "INSERT OR REPLACE INTO damaged VALUES (?1, x'', 0, sum_of(?1, x'', 0))";
/// Forgets what a newer row of the key ?1, whose sum is ?2, stands in for.
inline constexpr std::string_view unshelve =
    "DELETE FROM damaged WHERE position < ?3"
    " AND (key = ?1 OR ((found >> 32) & 4294967295) = ?2)";
inline constexpr std::string_view read_shelf =
    "SELECT position, key, found, checksum FROM damaged ORDER BY position";

/// Both take a position and give position, key, entry, source and checksum of
/// what comes after it.
inline constexpr std::string_view read_entries =
    "SELECT position, key, entry, 0, checksum FROM entries"
    " WHERE position > ?1 ORDER BY position";
inline constexpr std::string_view read_journal =
    "SELECT position, key, entry, source, checksum FROM journal"
    " WHERE position > ?1 ORDER BY position";
/// The same of the newer rows of one key, the newest first.
inline constexpr std::string_view read_newer_entry =
    "SELECT position, key, entry, 0, checksum FROM entries"
    " WHERE position > ?1 AND key = ?2";
inline constexpr std::string_view read_newer_change =
    "SELECT position, key, entry, source, checksum FROM journal"
    " WHERE position > ?1 AND key = ?2 ORDER BY position DESC";

inline constexpr std::string_view save_cursor =
    "INSERT OR REPLACE INTO cursors VALUES (?1, ?2, ?3)";
inline constexpr std::string_view read_cursors =
    "SELECT peer, acknowledged, checksum FROM cursors";
inline constexpr std::string_view save_member =
    "INSERT OR REPLACE INTO members VALUES (?1, ?2, ?3, ?4, ?5)";
inline constexpr std::string_view remove_member =
    "DELETE FROM members WHERE origin = ?1";
inline constexpr std::string_view read_members =
    "SELECT origin, name, address, forgotten, checksum FROM members";
inline constexpr std::string_view save_fact =
    "INSERT OR REPLACE INTO facts VALUES (?1, ?2, ?3)";
inline constexpr std::string_view read_facts =
    "SELECT number, value, checksum FROM facts";
inline constexpr std::string_view add_run =
    "INSERT OR REPLACE INTO runs SELECT n, ?1, ?2, ?3, ?4,"
    " sum_of(n, ?1, ?2, ?3, ?4)"
    " FROM (SELECT coalesce(max(place), 0) + 1 AS n FROM runs)";
/// Leaves a peer its ?2 newest runs.
inline constexpr std::string_view trim_runs =
    "DELETE FROM runs WHERE peer = ?1 AND place NOT IN"
    " (SELECT place FROM runs WHERE peer = ?1 ORDER BY place DESC LIMIT ?2)";
inline constexpr std::string_view read_runs =
    "SELECT place, peer, id, started_hlc, reached, checksum FROM runs"
    " ORDER BY place";
inline constexpr std::string_view add_reissue =
    "INSERT OR REPLACE INTO reissues(key, entry, checksum)"
    " VALUES (?1, ?2, ?3)";
inline constexpr std::string_view read_reissues =
    "SELECT key, entry, checksum FROM reissues WHERE key > coalesce(?1, x'')"
    " ORDER BY key";
inline constexpr std::string_view find_reissue =
    "SELECT key, entry, checksum FROM reissues WHERE key = ?1";
inline constexpr std::string_view remove_reissue =
    "DELETE FROM reissues WHERE key = ?1";

/// What is damaged of all that stands beside the changes. An index that does
/// not fit a damaged row would refuse to let it go.
inline constexpr auto drop_damaged_notes = R"(
  REINDEX runs;
  REINDEX reissues;
  DELETE FROM cursors WHERE checksum <> sum_of(peer, acknowledged);
  DELETE FROM members
    WHERE checksum <> sum_of(origin, name, address, forgotten);
  DELETE FROM facts WHERE checksum <> sum_of(number, value);
  DELETE FROM runs
    WHERE checksum <> sum_of(place, peer, id, started_hlc, reached);
  DELETE FROM reissues WHERE checksum <> row_sum(0, key, entry, 0);
)";

/// What goes at a rebirth; the new origin follows.
inline constexpr auto forget_incarnation = R"(
  DELETE FROM journal;
  DELETE FROM entries;
  DELETE FROM cursors;
  DELETE FROM facts;
  DELETE FROM runs WHERE peer = 0;
  DELETE FROM damaged;
  INSERT OR REPLACE INTO meta VALUES ('folded', 0, sum_of('folded', 0));
)";

} // namespace panal::sqlite::sql
