#pragma once

// What the SQLite store keeps beside the changes: small tables that are
// rarely written, each call one transaction (storage/store.hpp says what each
// means).

#include "storage/sqlite_handle.hpp"
#include "storage/sqlite_transactions.hpp"
#include "storage/store.hpp"

#include <map>
#include <span>
#include <string_view>
#include <vector>

namespace panal::sqlite {

/// Used by the thread that uses its `transactions`.
class notes {
public:
  /// @param on  outlives this.
  static result<notes> prepare(transactions& on);

  result<void> save_cursor(origin_id peer, position acknowledged);
  result<std::map<origin_id, position>> cursors();

  result<void> save_member(const member& who);
  result<void> remove_member(origin_id who);
  result<std::vector<member>> members();

  result<void> save_fact(fact which, std::uint64_t value);
  result<void> save_facts(const fact_map& facts);
  result<fact_map> facts();

  /// An own one is flushed at every level: a run that a peer remembers and
  /// this directory has lost in a power cut would make it pass for a restored
  /// backup.
  result<void> add_run(const run_record& run, origin_id peer);
  result<std::map<origin_id, std::vector<run_record>>> runs();

  result<std::vector<reissue>> reissues(std::string_view after,
                                        read_limits limits);
  result<std::string> reissue_of(std::string_view key);
  /// Tells of the rows that all of these leave out.
  result<void> tell(const damage_visitor& damage);
  result<void> remove_reissue(std::string_view key);

  /// Steps of a rebirth's transaction: SQLITE_OK or SQLite's error code.
  int add(const reissue& write);
  int add(const fact_map& facts);

private:
  explicit notes(transactions& on) : on_{&on} {}

  int put(fact which, std::uint64_t value);

  transactions* on_;
  statement save_cursor_, read_cursors_;
  statement save_member_, remove_member_, read_members_;
  statement save_fact_, read_facts_;
  statement add_run_, trim_runs_, read_runs_;
  statement add_reissue_, read_reissues_, find_reissue_, remove_reissue_;
};

} // namespace panal::sqlite
