#include "storage/sqlite_notes.hpp"

#include "storage/checksum.hpp"
#include "storage/sqlite_sql.hpp"

#include <algorithm>
#include <functional>
#include <string>

namespace panal::sqlite {

namespace {

// Whether a row of each table is as it was written.

bool is_cursor(const statement& row) noexcept {
  return sum_of(row.bits(0), row.bits(1)) == row.bits(2);
}

bool is_member(const statement& row) noexcept {
  return sum_of(row.bits(0), row.bytes(1), row.bytes(2), row.bits(3))
         == row.bits(4);
}

bool is_fact(const statement& row) noexcept {
  return sum_of(row.bits(0), row.bits(1)) == row.bits(2);
}

bool is_run(const statement& row) noexcept {
  return sum_of(row.bits(0), row.bits(1), row.bits(2), row.bits(3), row.bits(4))
         == row.bits(5);
}

bool is_reissue(const statement& row) noexcept {
  return row_sum(0, row.bytes(0), row.bytes(1), own_change) == row.bits(2);
}

/// Visits the whole rows of a table. @return false after a failure.
bool each_whole(statement& table, bool (*is_whole)(const statement&) noexcept,
                const std::function<void(const statement&)>& visit) {
  rows found{table};
  while (found.next())
    if (is_whole(*found.operator->()))
      visit(*found.operator->());
  return found.complete();
}

} // namespace

result<notes> notes::prepare(transactions& on) {
  notes made{on};
  auto prepared =
      on.db().prepare({{&made.save_cursor_, sql::save_cursor},
                       {&made.read_cursors_, sql::read_cursors},
                       {&made.save_member_, sql::save_member},
                       {&made.remove_member_, sql::remove_member},
                       {&made.read_members_, sql::read_members},
                       {&made.save_fact_, sql::save_fact},
                       {&made.read_facts_, sql::read_facts},
                       {&made.add_run_, sql::add_run},
                       {&made.trim_runs_, sql::trim_runs},
                       {&made.read_runs_, sql::read_runs},
                       {&made.add_reissue_, sql::add_reissue},
                       {&made.read_reissues_, sql::read_reissues},
                       {&made.find_reissue_, sql::find_reissue},
                       {&made.remove_reissue_, sql::remove_reissue}});
  if (!prepared)
    return prepared.error();
  return made;
}

result<void> notes::save_cursor(origin_id peer, position acknowledged) {
  return on_->run("save_cursor", [&] {
    return save_cursor_.bind(1, peer)
        .bind(2, acknowledged)
        .bind(3, sum_of(peer, acknowledged))
        .run();
  });
}

result<std::map<origin_id, position>> notes::cursors() {
  std::map<origin_id, position> all;
  if (!each_whole(read_cursors_, &is_cursor, [&](const statement& row) {
        all.emplace(row.bits(0), row.bits(1));
      }))
    return on_->db().failure("cursors");
  return all;
}

result<void> notes::save_member(const member& who) {
  return on_->run("save_member", [&] {
    return save_member_.bind(1, who.origin)
        .bind(2, who.name)
        .bind(3, who.address)
        .bind(4, who.forgotten)
        .bind(5, sum_of(who.origin, std::string_view{who.name},
                        std::string_view{who.address}, who.forgotten))
        .run();
  });
}

result<void> notes::remove_member(origin_id who) {
  return on_->run("remove_member",
                  [&] { return remove_member_.bind(1, who).run(); });
}

result<std::vector<member>> notes::members() {
  std::vector<member> all;
  if (!each_whole(read_members_, &is_member, [&](const statement& row) {
        all.push_back({row.bits(0), std::string{row.bytes(1)},
                       std::string{row.bytes(2)}, row.bits(3)});
      }))
    return on_->db().failure("members");
  // Compared here as unsigned numbers; in the database they are signed.
  std::ranges::sort(all, {}, &member::origin);
  return all;
}

int notes::put(fact which, std::uint64_t value) {
  const auto number = static_cast<std::uint64_t>(which);
  return save_fact_.bind(1, number)
      .bind(2, value)
      .bind(3, sum_of(number, value))
      .run();
}

result<void> notes::save_fact(fact which, std::uint64_t value) {
  return on_->run("save_fact", [&] { return put(which, value); });
}

result<void> notes::save_facts(const fact_map& facts) {
  return on_->run("save_facts", [&] { return add(facts); });
}

result<fact_map> notes::facts() {
  fact_map all;
  if (!each_whole(read_facts_, &is_fact, [&](const statement& row) {
        all.emplace(static_cast<fact>(row.bits(0)), row.bits(1));
      }))
    return on_->db().failure("facts");
  return all;
}

result<void> notes::add_run(const run_record& run, origin_id peer) {
  auto steps = [&] {
    auto code = add_run_.bind(1, peer)
                    .bind(2, run.id)
                    .bind(3, run.started_hlc)
                    .bind(4, run.reached)
                    .run();
    if (code != SQLITE_OK)
      return code;
    return trim_runs_.bind(1, peer).bind(2, std::uint64_t{runs_max}).run();
  };
  return on_->run("add_run", steps, peer == own_change);
}

result<std::map<origin_id, std::vector<run_record>>> notes::runs() {
  std::map<origin_id, std::vector<run_record>> all;
  if (!each_whole(read_runs_, &is_run, [&](const statement& row) {
        all[row.bits(1)].push_back({row.bits(2), row.bits(3), row.bits(4)});
      }))
    return on_->db().failure("runs");
  return all;
}

result<std::vector<reissue>> notes::reissues(std::string_view after,
                                             read_limits limits) {
  std::vector<reissue> first;
  std::size_t bytes = 0;
  rows found{read_reissues_.bind(1, after)};
  while (found.next()) {
    if (!is_reissue(*found.operator->()))
      continue; // see tell()
    const auto key = found->bytes(0);
    const auto entry = found->bytes(1);
    bytes += key.size() + entry.size();
    if (first.size() == limits.changes_max
        || (!first.empty() && bytes > limits.bytes_max))
      return first;
    first.push_back({std::string{key}, std::string{entry}});
  }
  if (!found.complete())
    return on_->db().failure("reissues");
  return first;
}

result<std::string> notes::reissue_of(std::string_view key) {
  rows found{find_reissue_.bind(1, key)};
  if (found.next())
    return is_reissue(*found.operator->()) ? std::string{found->bytes(1)}
                                           : std::string{};
  if (!found.complete())
    return on_->db().failure("reissue_of");
  return std::string{};
}

result<void> notes::tell(const damage_visitor& damage) {
  struct table {
    statement& rows;
    bool (*is_whole)(const statement&) noexcept;
    damaged what;
  };
  for (auto& [from, is_whole, what] :
       {table{read_facts_, &is_fact, damaged::fact},
        table{read_runs_, &is_run, damaged::run},
        table{read_members_, &is_member, damaged::member},
        table{read_cursors_, &is_cursor, damaged::cursor},
        table{read_reissues_, &is_reissue, damaged::reissue}}) {
    rows found{from};
    while (found.next())
      if (!is_whole(*found.operator->()))
        damage({what, 0, {}, 0});
    if (!found.complete())
      return on_->db().failure("looking for damage");
  }
  return {};
}

result<void> notes::remove_reissue(std::string_view key) {
  return on_->run("remove_reissue",
                  [&] { return remove_reissue_.bind(1, key).run(); });
}

int notes::add(const reissue& write) {
  return add_reissue_.bind(1, write.key)
      .bind(2, write.entry)
      .bind(3, row_sum(0, write.key, write.entry, own_change))
      .run();
}

int notes::add(const fact_map& facts) {
  for (auto [which, value] : facts)
    if (auto code = put(which, value); code != SQLITE_OK)
      return code;
  return SQLITE_OK;
}

} // namespace panal::sqlite
