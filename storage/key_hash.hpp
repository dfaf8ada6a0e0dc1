#pragma once

#include <cstdint>
#include <string_view>

namespace panal {

/// Hashes a key (XXH3, 64 bits) with a seed that this process drew at random
/// when it started, so that nobody outside can choose keys that collide.
/// The upper 16 bits pick the shard, the others the place within it.
std::uint64_t key_hash(std::string_view key) noexcept;

/// Sets the seed, for programs that must run the same each time. Before the
/// first call of key_hash().
void fix_key_hash_seed(std::uint64_t value) noexcept;

/// The shard of `count` that owns a key with this hash.
constexpr std::size_t shard_of(std::uint64_t hash, std::size_t count) noexcept {
  return static_cast<std::size_t>((hash >> 48) * count >> 16);
}

} // namespace panal
