#include "storage/store.hpp"

#include <limits>

namespace panal {

result<void> store::append(std::span<const change> changes) {
  std::vector<const change*> rows;
  rows.reserve(changes.size());
  for (const auto& what : changes)
    rows.push_back(&what);
  return append_all(rows);
}

result<void> store::load(const visitor& visit) {
  return load(visit, [](const damaged_row&) {});
}

result<void> store::rebirth(origin_id fresh, std::span<const change> kept,
                            std::span<const reissue> again,
                            const fact_map& facts) {
  const auto give = [&](const reissue_sink& add) {
    for (const auto& write : again)
      add(write);
    return result<void>{};
  };
  return rebirth_from(fresh, kept, give, facts);
}

result<std::vector<reissue>> store::reissues() {
  return reissues({}, {std::numeric_limits<std::size_t>::max(),
                       std::numeric_limits<std::size_t>::max()});
}

} // namespace panal
