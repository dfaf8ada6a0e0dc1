#include "storage/store.hpp"

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

} // namespace panal
