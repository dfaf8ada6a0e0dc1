#pragma once

#include "storage/errc.hpp"

#include <atomic>

namespace panal {

/// Whether a node serves at all: what its cluster side knows, and its shards
/// and its health answer ask. Thread-safe.
class node_gate {
public:
  /// `ok`, or why no key may be read: `rejoining`.
  errc reads() const noexcept { return reads_.load(); }
  /// `ok`, or why nothing may be written: `rejoining`, `clock_unsafe`.
  errc writes() const noexcept { return writes_.load(); }

  void set_reads(errc state) noexcept { reads_.store(state); }
  void set_writes(errc state) noexcept { writes_.store(state); }

private:
  std::atomic<errc> reads_{errc::ok};
  std::atomic<errc> writes_{errc::ok};
};

} // namespace panal
