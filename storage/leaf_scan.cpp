#include "storage/leaf_scan.hpp"

#include <algorithm>
#include <utility>

namespace panal {

leaf_scan::leaf_scan(std::vector<std::uint32_t> leaves,
                     const digest_tree& digests, std::uint64_t secret)
    : leaves_{std::move(leaves)}, digests_{digests}, secret_{secret} {
  std::ranges::sort(leaves_);
}

bool leaf_scan::finds(std::string_view key, std::string_view encoded,
                      leaf_place& place) const {
  const auto digest = key_digest(key, secret_);
  const auto leaf = static_cast<std::uint32_t>(digests_.leaf_of(digest));
  if (!std::ranges::binary_search(leaves_, leaf))
    return false;
  place = {leaf, static_cast<std::uint32_t>(digest),
           entry_digest(digest, encoded, secret_)};
  return true;
}

} // namespace panal
