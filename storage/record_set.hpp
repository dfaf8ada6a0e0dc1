#pragma once

// The durable entries of one shard in memory: key -> encoded entry, with an
// index of expiries. One heap block per key (header, key, entry) and one
// pointer in a hash set; measured at about 200 bytes for a 16-byte key with a
// 100-byte value.

#include "storage/clock.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace panal {

/// Not thread-safe; owned by one shard.
class record_set {
public:
  record_set();
  ~record_set();
  record_set(const record_set&) = delete;
  record_set& operator=(const record_set&) = delete;

  /// The encoded entry of `key`, valid until the key is changed; empty if
  /// there is none.
  std::string_view find(std::string_view key) const noexcept;

  /// Inserts or replaces. `expires_at` enters the expiry index unless `never`.
  void assign(std::string_view key, std::string_view entry, unix_ms expires_at);

  void erase(std::string_view key) noexcept;

  /// Takes the key that expires first out of the expiry index, if it has
  /// expired at `now`; its entry stays.
  std::optional<std::string> pop_expired(unix_ms now);
  /// Puts a key back that pop_expired() took, to be found again; does nothing
  /// to one that still has this expiry.
  void push_expired(std::string_view key, unix_ms expires_at);
  /// When the next key expires; `never` if none does.
  unix_ms next_expiry() const noexcept;

  /// One set would rehash a million keys in one go; many small ones spread
  /// that over time, so that no single write waits for long.
  static constexpr std::size_t part_count = 64;

  /// Visits the keys of one part, in no particular order: a walk through all
  /// parts can so be made in steps. `visit` must not change this set; collect
  /// the keys that are to go, and erase them afterwards. A key stays in its
  /// part, so that a walk meets each key once that is there all the time.
  /// @param part  below `part_count`.
  void for_part(std::size_t part,
                const std::function<void(std::string_view key,
                                         std::string_view entry)>& visit) const;

  std::size_t size() const noexcept { return size_; }
  /// What the entries and their indexes take, allocator overhead included
  /// (estimated from sizes).
  std::size_t bytes() const noexcept { return bytes_; }

private:
  struct record;
  struct record_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept;
    std::size_t operator()(const record* r) const noexcept;
  };
  struct record_equal {
    using is_transparent = void;
    bool operator()(const record* a, const record* b) const noexcept;
    bool operator()(std::string_view a, const record* b) const noexcept;
    bool operator()(const record* a, std::string_view b) const noexcept;
  };
  using slot_set =
      boost::unordered_flat_set<record*, record_hash, record_equal>;

  slot_set& part_of(std::string_view key) noexcept;
  const slot_set& part_of(std::string_view key) const noexcept;
  void forget(record* r) noexcept;

  std::array<slot_set, part_count> parts_;
  std::set<std::pair<unix_ms, record*>> expiries_;
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

} // namespace panal
