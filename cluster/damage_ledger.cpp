#include "cluster/damage_ledger.hpp"

#include "storage/checksum.hpp"
#include "storage/table.hpp"

#include <algorithm>

namespace panal {

void damage_ledger::add(const damaged_row& row) {
  ++total_;
  switch (row.what) {
  case damaged::entry:
    // The cleared floor covers other keys: it is not one key's matter.
    if (row.key == cleared_key)
      unnamed_.push_back(row);
    else
      entries_.insert_or_assign(row.key, row.at);
    break;
  case damaged::key:
    unnamed_.push_back(row);
    break;
  case damaged::missing:
    ++missing_;
    break;
  default:
    ++notes_[row.what];
  }
}

void damage_ledger::whole(std::string_view key) {
  if (is_clean())
    return;
  if (const auto i = entries_.find(key); i != entries_.end())
    entries_.erase(i);
  if (!unnamed_.empty())
    std::erase_if(unnamed_, [sum = key_sum(key)](const damaged_row& row) {
      return row.key_sum == sum;
    });
}

void damage_ledger::cleared() {
  entries_.clear();
  unnamed_.clear();
  missing_ = 0;
}

// Of a row whose key is damaged, the bytes at hand may be the key's all the
// same, if it is the sum that is damaged.
void damage_ledger::tell(unreadable_keys& to) const {
  for (const auto& [key, at] : entries_)
    to.add(key, at);
  for (const auto& row : unnamed_) {
    to.add_sum(row.key_sum, row.at);
    if (row.key != cleared_key)
      to.add(row.key, row.at);
  }
}

std::size_t damage_ledger::rows() const noexcept {
  auto all = unnamed_.size() + missing_;
  for (const auto& [what, count] : notes_)
    all += count;
  return all;
}

std::size_t damage_ledger::count(damaged what) const noexcept {
  switch (what) {
  case damaged::entry:
    return entries_.size();
  case damaged::key:
    return unnamed_.size();
  case damaged::missing:
    return missing_;
  default:
    const auto i = notes_.find(what);
    return i == notes_.end() ? 0 : i->second;
  }
}

std::string damage_ledger::text() const {
  std::string out;
  for (auto what = damaged::entry; what <= damaged::number;
       what = static_cast<damaged>(static_cast<int>(what) + 1)) {
    const auto found = count(what);
    if (found == 0)
      continue;
    if (!out.empty())
      out += ", ";
    out += std::to_string(found) + ' ';
    out += to_string(what);
  }
  return out;
}

} // namespace panal
