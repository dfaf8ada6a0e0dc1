#pragma once

// The keys whose newest row on disk cannot be read. Such a key is not absent:
// nobody knows here what it holds. It is readable again once a row that was
// made since is durable: what a peer holds of it, or a delete.

#include "storage/change.hpp"
#include "storage/node_conditions.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// One of them, and where its damaged row stands.
struct unreadable_key {
  std::string key;
  position at = 0;

  friend bool operator==(const unreadable_key&,
                         const unreadable_key&) = default;
};

/// Thread-safe: the shards ask it, the replica goes through it. While there are
/// none, any() is all that it costs.
class unreadable_keys {
public:
  /// @param shown  gets the condition `unreadable_keys`; outlives this. None:
  ///               nobody is told.
  explicit unreadable_keys(node_conditions* shown = nullptr) : shown_{shown} {}

  /// A key whose newest row is damaged.
  void add(std::string_view key, position at);
  /// A key that is known by its key_sum() alone.
  void add_sum(std::uint32_t sum, position at);
  /// The key can be read again.
  void mended(std::string_view key);
  /// All that are known by their sum alone are known to hold nothing.
  void mended_sums();

  bool any() const noexcept { return any_.load(std::memory_order_acquire); }
  bool contains(std::string_view key) const;
  /// Where the newest of the damaged rows stands; 0 if there are none.
  position newest() const;
  std::size_t count() const;
  /// Those after `key` in their order, at most `keys_max`; without those that
  /// are known by their sum alone.
  std::vector<unreadable_key> after(std::string_view key,
                                    std::size_t keys_max) const;
  /// The damaged row's place; 0 if the key is not among them.
  position place_of(std::string_view key) const;

private:
  void show() noexcept;

  node_conditions* shown_;
  mutable std::mutex mutex_;
  std::atomic<bool> any_ = false;
  std::map<std::string, position, std::less<>> keys_;
  std::map<std::uint32_t, position> sums_;
};

} // namespace panal
