#pragma once

// The checksums that stand in the rows on disk, beside what they cover: a row
// that does not read back as it was written is found out, whatever its bytes
// happen to mean. XXH3, chained over the parts of a row. Part of the file's
// format: never changes.

#include "storage/change.hpp"

#include <cstdint>
#include <string_view>

namespace panal {

/// One checksum over several numbers and texts in their order.
class checksum {
public:
  checksum& add(std::uint64_t number) noexcept;
  checksum& add(std::string_view bytes) noexcept;
  std::uint64_t value() const noexcept { return value_; }

private:
  std::uint64_t value_ = 0;
};

/// The checksum of a row of numbers and texts.
template <class... Parts>
std::uint64_t sum_of(const Parts&... parts) noexcept {
  checksum sum;
  (sum.add(parts), ...);
  return sum.value();
}

/// The checksum of a row with a key, which is two: the upper 32 bits cover the
/// key alone, the lower ones all of the row. So damage to anything but the key
/// leaves it known which key cannot be read.
/// @param source  `own_change` in a row that has none.
std::uint64_t row_sum(position at, std::string_view key, std::string_view entry,
                      origin_id source) noexcept;

/// A key's own sum: the upper half of row_sum().
std::uint32_t key_sum(std::string_view key) noexcept;

/// The key's part of a row_sum().
constexpr std::uint32_t key_part(std::uint64_t row) noexcept {
  return static_cast<std::uint32_t>(row >> 32);
}

} // namespace panal
