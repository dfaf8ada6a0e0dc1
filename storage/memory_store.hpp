#pragma once

// The store of `--data-dir=:memory:`: the contract on standard containers. It
// keeps nothing across restarts, and is the model that the SQLite store is
// tested against, so it stays as plain as it can be.

#include "storage/store.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

class memory_store : public store {
public:
  /// An empty store of a newly drawn origin (storage/origin.hpp).
  /// Errors: `storage_failed` if the system gives no randomness.
  static result<std::unique_ptr<store>> open(std::string_view node_name);

  explicit memory_store(origin_id origin) : origin_{origin} {}

  using store::append_all;
  result<void> append_all(std::span<const change* const> changes,
                          bool flush) override;
  result<fold_step> fold(std::size_t changes_max) override;
  using store::load;
  result<void> load(const visitor& visit,
                    const damage_visitor& damage) override;
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override;
  /// Memory is not damaged.
  std::vector<damaged_row> take_damage() override { return {}; }

  position last_position() const override { return last_; }
  std::size_t journal_rows() const override { return journal_.size(); }
  origin_id origin() const override { return origin_; }

  result<void> save_cursor(origin_id peer, position acknowledged) override;
  result<std::map<origin_id, position>> cursors() override;
  result<void> save_member(const member& who) override;
  result<void> remove_member(origin_id who) override;
  result<std::vector<member>> members() override;
  result<void> save_fact(fact which, std::uint64_t value) override;
  result<void> save_facts(const fact_map& facts) override;
  result<fact_map> facts() override { return facts_; }
  result<void> add_run(const run_record& run, origin_id peer) override;
  result<std::map<origin_id, std::vector<run_record>>> runs() override {
    return runs_;
  }

  result<void> drop_damaged_notes() override { return {}; }
  result<void> rebirth_from(origin_id fresh, std::span<const change> kept,
                            const reissue_source& again,
                            const fact_map& facts) override;
  using store::reissues;
  result<std::vector<reissue>> reissues(std::string_view after,
                                        read_limits limits) override;
  result<std::string> reissue_of(std::string_view key) override;
  result<void> remove_reissue(std::string_view key) override;

private:
  /// Makes `folded` the state of its key.
  void apply(change&& folded);

  origin_id origin_;
  position last_ = 0;
  std::deque<change> journal_;
  std::map<position, change> entries_;
  /// Where each key's row stands in `entries_`.
  std::map<std::string, position, std::less<>> places_;
  std::map<origin_id, position> cursors_;
  std::map<origin_id, member> members_;
  fact_map facts_;
  std::map<origin_id, std::vector<run_record>> runs_;
  /// Entries by key.
  std::map<std::string, std::string, std::less<>> reissues_;
};

} // namespace panal
