#pragma once

// A journal owns its store; a simulated disk outlives the node. This handle
// goes between them.

#include "tests/simulator/sim_disk.hpp"

namespace panal::sim {

class disk_handle final : public store {
public:
  explicit disk_handle(sim_disk& disk) : disk_{disk} {}

  using store::append_all;
  result<void> append_all(std::span<const change* const> changes,
                          bool flush) override {
    return disk_.append_all(changes, flush);
  }
  result<fold_step> fold(std::size_t changes_max) override {
    return disk_.fold(changes_max);
  }
  using store::load;
  result<void> load(const visitor& visit,
                    const damage_visitor& damage) override {
    return disk_.load(visit, damage);
  }
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override {
    return disk_.read_after(after, limits);
  }
  std::vector<damaged_row> take_damage() override {
    return disk_.take_damage();
  }
  position last_position() const override { return disk_.last_position(); }
  std::size_t journal_rows() const override { return disk_.journal_rows(); }
  origin_id origin() const override { return disk_.origin(); }
  result<void> save_cursor(origin_id peer, position upto) override {
    return disk_.save_cursor(peer, upto);
  }
  result<std::map<origin_id, position>> cursors() override {
    return disk_.cursors();
  }
  result<void> save_member(const member& who) override {
    return disk_.save_member(who);
  }
  result<void> remove_member(origin_id who) override {
    return disk_.remove_member(who);
  }
  result<std::vector<member>> members() override { return disk_.members(); }
  result<void> save_fact(fact which, std::uint64_t value) override {
    return disk_.save_fact(which, value);
  }
  result<void> save_facts(const fact_map& all) override {
    return disk_.save_facts(all);
  }
  result<fact_map> facts() override { return disk_.facts(); }
  result<void> add_run(const run_record& run, origin_id peer) override {
    return disk_.add_run(run, peer);
  }
  result<std::map<origin_id, std::vector<run_record>>> runs() override {
    return disk_.runs();
  }
  result<void> drop_damaged_notes() override {
    return disk_.drop_damaged_notes();
  }
  result<void> rebirth_from(origin_id fresh, std::span<const change> kept,
                            const reissue_source& again,
                            const fact_map& facts) override {
    return disk_.rebirth_from(fresh, kept, again, facts);
  }
  using store::reissues;
  result<std::vector<reissue>> reissues(std::string_view after,
                                        read_limits limits) override {
    return disk_.reissues(after, limits);
  }
  result<std::string> reissue_of(std::string_view key) override {
    return disk_.reissue_of(key);
  }
  disk_state look_after() override { return disk_.look_after(); }
  result<void> probe() override { return disk_.probe(); }
  result<void> remove_reissue(std::string_view key) override {
    return disk_.remove_reissue(key);
  }

private:
  sim_disk& disk_;
};

} // namespace panal::sim
