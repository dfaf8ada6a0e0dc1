#include "storage/checksum.hpp"

#include <xxhash.h>

#include <bit>

namespace panal {

// Numbers are summed as they stand in memory: little-endian.
static_assert(std::endian::native == std::endian::little);

checksum& checksum::add(std::uint64_t number) noexcept {
  value_ = XXH3_64bits_withSeed(&number, sizeof number, value_);
  return *this;
}

checksum& checksum::add(std::string_view bytes) noexcept {
  value_ = XXH3_64bits_withSeed(bytes.data(), bytes.size(), value_);
  return *this;
}

std::uint32_t key_sum(std::string_view key) noexcept {
  return static_cast<std::uint32_t>(
      XXH3_64bits_withSeed(key.data(), key.size(), 0));
}

std::uint64_t row_sum(position at, std::string_view key, std::string_view entry,
                      origin_id source) noexcept {
  const auto all = sum_of(at, key, entry, source);
  return (std::uint64_t{key_sum(key)} << 32) | (all & 0xffffffff);
}

} // namespace panal
