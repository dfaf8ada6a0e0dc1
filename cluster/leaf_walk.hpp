#pragma once

// A shard's part in digest repair: one walk over its table, a part at a time,
// that lists the keys of some leaves, or compares them with a peer's.

#include "cluster/replica_port.hpp"
#include "storage/leaf_scan.hpp"
#include "storage/table.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace panal {

/// Not thread-safe; owned by the shard actor.
class leaf_walk {
public:
  /// Lists what the table holds in `leaves`.
  leaf_walk(std::vector<std::uint32_t> leaves, std::uint64_t token,
            const digest_tree& digests, std::uint64_t secret);
  /// Compares it with what a peer holds.
  leaf_walk(leaf_comparison with, const digest_tree& digests,
            std::uint64_t secret);

  /// Looks through the next part of `keys`. @return true if parts are left.
  bool step(const table& keys);

  bool is_comparison() const noexcept { return with_.has_value(); }
  std::uint64_t token() const noexcept { return token_; }
  /// A comparison found more than it may send.
  bool found_more() const noexcept { return found_more_; }
  /// After the last step of a listing.
  std::vector<leaf_place>& listed() noexcept { return listed_; }
  /// After the last step of a comparison: drops from `keys` what the peer's
  /// line proves dead. @return what the peer is to be sent.
  std::vector<change> settle(table& keys);

private:
  std::vector<change> look_up(const table& keys) const;
  void look_at(std::string_view key, std::string_view encoded,
               const leaf_place& place);

  leaf_scan scan_;
  std::uint64_t token_ = 0;
  std::optional<leaf_comparison> with_;
  std::vector<leaf_place> listed_;
  std::vector<change> differing_;
  std::size_t differing_bytes_ = 0;
  bool found_more_ = false;
  std::uint64_t secret_;
};

} // namespace panal
