#pragma once

#include "storage/stamp.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace panal {

/// What a node holds durably, counted by its tables together and read by
/// whoever reports it. Thread-safe.
class data_counts {
public:
  /// A key's record has changed.
  /// @param before, after  its encoded entries; empty: there is none.
  void changed(std::string_view before, std::string_view after) noexcept;
  /// A clear-all has become durable.
  void cleared(const stamp& at);

  /// Keys with a value, those included that have expired and were not swept
  /// yet.
  std::uint64_t keys() const noexcept { return keys_.load(relaxed); }
  /// Keys of which only the record of a delete or an expiry is left.
  std::uint64_t tombstones() const noexcept {
    return tombstones_.load(relaxed);
  }
  /// The newest clear-all; the zero stamp if there was none.
  stamp cleared() const;

private:
  static constexpr auto relaxed = std::memory_order_relaxed;

  void add(std::string_view encoded, std::uint64_t count) noexcept;

  std::atomic<std::uint64_t> keys_ = 0;
  std::atomic<std::uint64_t> tombstones_ = 0;
  mutable std::mutex mutex_;
  stamp cleared_;
};

} // namespace panal
