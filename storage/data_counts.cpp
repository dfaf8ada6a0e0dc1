#include "storage/data_counts.hpp"

#include "storage/entry.hpp"

#include <algorithm>

namespace panal {

namespace {

bool has_value(std::string_view encoded) noexcept {
  put_headers puts{encoded};
  for (put_header put; puts.next(put);)
    if (!put.stripped)
      return true;
  return false;
}

} // namespace

void data_counts::changed(std::string_view before,
                          std::string_view after) noexcept {
  add(after, 1);
  add(before, ~std::uint64_t{0});
}

void data_counts::add(std::string_view encoded, std::uint64_t count) noexcept {
  if (!encoded.empty())
    (has_value(encoded) ? keys_ : tombstones_).fetch_add(count, relaxed);
}

void data_counts::cleared(const stamp& at) {
  const std::lock_guard guard{mutex_};
  cleared_ = std::max(cleared_, at);
}

stamp data_counts::cleared() const {
  const std::lock_guard guard{mutex_};
  return cleared_;
}

} // namespace panal
