#include "storage/newest_rows.hpp"

#include "storage/checksum.hpp"

#include <xxhash.h>

namespace panal {

newest_rows::name newest_rows::name_of(std::string_view key) noexcept {
  const auto hash = XXH3_128bits(key.data(), key.size());
  return {hash.low64, hash.high64};
}

newest_rows::newest_rows(const store& disk)
    : folded_{disk.last_position() - disk.journal_rows()} {
  // nop
}

void newest_rows::note(std::string_view key, position at) {
  if (at > folded_)
    last_.insert_or_assign(name_of(key), at);
}

void newest_rows::note_damaged(const damaged_row& row) {
  if (row.what == damaged::entry)
    note(row.key, row.at);
  else if (row.what == damaged::key)
    lost_.insert_or_assign(row.key_sum, row.at);
}

bool newest_rows::is_newest(std::string_view key, position at) const noexcept {
  if (!lost_.empty())
    if (const auto i = lost_.find(key_sum(key));
        i != lost_.end() && i->second > at)
      return false;
  if (last_.empty())
    return true;
  const auto i = last_.find(name_of(key));
  return i == last_.end() || i->second == at;
}

} // namespace panal
