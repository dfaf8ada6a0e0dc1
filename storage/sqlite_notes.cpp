#include "storage/sqlite_notes.hpp"

#include "storage/sqlite_sql.hpp"

#include <algorithm>
#include <string>

namespace panal::sqlite {

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
                       {&made.remove_reissue_, sql::remove_reissue}});
  if (!prepared)
    return prepared.error();
  return made;
}

result<void> notes::save_cursor(origin_id peer, position acknowledged) {
  return on_->run("save_cursor", [&] {
    return save_cursor_.bind(1, peer).bind(2, acknowledged).run();
  });
}

result<std::map<origin_id, position>> notes::cursors() {
  std::map<origin_id, position> all;
  rows found{read_cursors_};
  while (found.next())
    all.emplace(found->bits(0), found->bits(1));
  if (!found.complete())
    return on_->db().failure("cursors");
  return all;
}

result<void> notes::save_member(const member& who) {
  return on_->run("save_member", [&] {
    return save_member_.bind(1, who.origin)
        .bind(2, who.name)
        .bind(3, who.address)
        .bind(4, who.forgotten)
        .run();
  });
}

result<void> notes::remove_member(origin_id who) {
  return on_->run("remove_member",
                  [&] { return remove_member_.bind(1, who).run(); });
}

result<std::vector<member>> notes::members() {
  std::vector<member> all;
  rows found{read_members_};
  while (found.next())
    all.push_back({found->bits(0), std::string{found->bytes(1)},
                   std::string{found->bytes(2)}, found->bits(3)});
  if (!found.complete())
    return on_->db().failure("members");
  // Compared here as unsigned numbers; in the database they are signed.
  std::ranges::sort(all, {}, &member::origin);
  return all;
}

int notes::put(fact which, std::uint64_t value) {
  return save_fact_.bind(1, static_cast<std::uint64_t>(which))
      .bind(2, value)
      .run();
}

result<void> notes::save_fact(fact which, std::uint64_t value) {
  return on_->run("save_fact", [&] { return put(which, value); });
}

result<fact_map> notes::facts() {
  fact_map all;
  rows found{read_facts_};
  while (found.next())
    all.emplace(static_cast<fact>(found->bits(0)), found->bits(1));
  if (!found.complete())
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
  rows found{read_runs_};
  while (found.next())
    all[found->bits(0)].push_back(
        {found->bits(1), found->bits(2), found->bits(3)});
  if (!found.complete())
    return on_->db().failure("runs");
  return all;
}

result<std::vector<reissue>> notes::reissues() {
  std::vector<reissue> all;
  rows found{read_reissues_};
  while (found.next())
    all.push_back({std::string{found->bytes(0)}, std::string{found->bytes(1)}});
  if (!found.complete())
    return on_->db().failure("reissues");
  return all;
}

result<void> notes::remove_reissue(std::string_view key) {
  return on_->run("remove_reissue",
                  [&] { return remove_reissue_.bind(1, key).run(); });
}

int notes::add(std::span<const reissue> again) {
  for (const auto& what : again) {
    auto code = add_reissue_.bind(1, what.key).bind(2, what.entry).run();
    if (code != SQLITE_OK)
      return code;
  }
  return SQLITE_OK;
}

int notes::add(const fact_map& facts) {
  for (auto [which, value] : facts)
    if (auto code = put(which, value); code != SQLITE_OK)
      return code;
  return SQLITE_OK;
}

} // namespace panal::sqlite
