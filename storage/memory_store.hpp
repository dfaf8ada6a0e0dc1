#pragma once

#include "storage/store.hpp"

#include <map>
#include <memory>

namespace panal {

/// Keeps everything in memory and nothing beyond it.
class memory_store final : public store {
public:
  explicit memory_store(std::string_view node_name);
  using store::append;
  result<void> append(std::span<const change* const> changes) override;
  result<fold_step> fold(std::size_t changes_max) override;
  result<void> load(const visitor& visit) override;
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override;
  position last_position() const override { return last_; }
  std::size_t journal_rows() const override { return journal_.size(); }
  origin_id origin() const override { return origin_; }
  result<void> save_cursor(origin_id peer, position acknowledged) override;
  result<std::map<origin_id, position>> cursors() override { return cursors_; }
  result<void> save_member(const member& who) override;
  result<void> remove_member(origin_id who) override;
  result<std::vector<member>> members() override;

private:
  origin_id origin_ = 0;
  position last_ = 0;
  std::map<position, change> journal_;
  std::map<origin_id, position> cursors_;
};

} // namespace panal
