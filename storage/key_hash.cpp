#include "storage/key_hash.hpp"

#include <xxhash.h>

#include <random>

namespace panal {

namespace {

std::uint64_t draw_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

std::uint64_t seed = draw_seed();

} // namespace

std::uint64_t key_hash(std::string_view key) noexcept {
  return XXH3_64bits_withSeed(key.data(), key.size(), seed);
}

void fix_key_hash_seed(std::uint64_t value) noexcept {
  seed = value;
}

} // namespace panal
