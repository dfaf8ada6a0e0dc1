#include "storage/memory_store.hpp"
#include <random>
namespace panal {
memory_store::memory_store(std::string_view) { std::random_device d; origin_ = (std::uint64_t{d()}<<32)|d(); }
result<void> memory_store::append(std::span<const change* const> changes) {
  for (auto* c : changes) { journal_[c->at] = *c; last_ = c->at; }
  return {};
}
result<fold_step> memory_store::fold(std::size_t) { return fold_step{}; }
result<void> memory_store::load(const visitor& visit) { for (auto& [p, c] : journal_) visit(c.key, c.entry, p); return {}; }
result<std::vector<change>> memory_store::read_after(position after, read_limits limits) {
  std::vector<change> out;
  for (auto i = journal_.upper_bound(after); i != journal_.end() && out.size() < limits.changes_max; ++i) out.push_back(i->second);
  return out;
}
result<void> memory_store::save_cursor(origin_id p, position a) { cursors_[p] = a; return {}; }
result<void> memory_store::save_member(const member&) { return {}; }
result<void> memory_store::remove_member(origin_id) { return {}; }
result<std::vector<member>> memory_store::members() { return std::vector<member>{}; }
}
