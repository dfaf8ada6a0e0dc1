#include "storage/digest_tree.hpp"

#include "storage/entry.hpp"

#include <xxhash.h>

#include <array>

namespace panal {

namespace {

constexpr unsigned bits_max = 8;

} // namespace

std::uint64_t key_digest(std::string_view key, std::uint64_t secret) noexcept {
  return XXH3_64bits_withSeed(key.data(), key.size(), secret);
}

std::uint64_t entry_digest(std::uint64_t key_digest, std::string_view encoded,
                           std::uint64_t secret) noexcept {
  put_headers puts{encoded};
  put_header put;
  std::uint64_t digest = 0;
  auto before = key_digest;
  // Chained, so that neither the puts' order nor their number is lost, and
  // begun with the key, so that equal entries of two keys do not cancel out.
  while (puts.next(put)) {
    const std::array<std::uint64_t, 5> covered{
        before, static_cast<std::uint64_t>(put.version), put.at.hlc,
        put.at.origin, static_cast<std::uint64_t>(put.expires_at)};
    digest = before =
        XXH3_64bits_withSeed(covered.data(), sizeof covered, secret);
  }
  return digest;
}

digest_tree::digest_tree(unsigned bits_per_level)
    : bits_{bits_per_level},
      leaves_{std::make_unique<std::atomic<std::uint64_t>[]>(leaf_count())} {
  // nop
}

void digest_tree::toggle(std::uint64_t key_digest,
                         std::uint64_t entry_digest) noexcept {
  leaves_[leaf_of(key_digest)].fetch_xor(entry_digest,
                                         std::memory_order_relaxed);
}

std::uint64_t digest_tree::root() const noexcept {
  return digest_of(0, 0);
}

std::vector<std::uint64_t> digest_tree::children(unsigned level,
                                                 std::size_t index) const {
  if (level >= levels || index >= nodes_at(level))
    return {};
  std::vector<std::uint64_t> digests(fan_out());
  for (std::size_t i = 0; i < digests.size(); ++i)
    digests[i] = digest_of(level + 1, index * fan_out() + i);
  return digests;
}

std::size_t digest_tree::leaf_of(std::uint64_t key_digest) const noexcept {
  return static_cast<std::size_t>(key_digest >> (64 - bits_ * levels));
}

std::uint64_t digest_tree::digest_of(unsigned level,
                                     std::size_t index) const noexcept {
  if (level == levels)
    return leaves_[index].load(std::memory_order_relaxed);
  std::array<std::uint64_t, std::size_t{1} << bits_max> below;
  for (std::size_t i = 0; i < fan_out(); ++i)
    below[i] = digest_of(level + 1, index * fan_out() + i);
  // Hashed, not XORed: what two leaves differ in must not cancel out above
  // them.
  return XXH3_64bits(below.data(), fan_out() * sizeof below[0]);
}

} // namespace panal
