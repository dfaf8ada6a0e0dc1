#pragma once

// Whether a node may serve: set by the cluster side, looked at by whoever
// takes or shows requests.

#include "storage/errc.hpp"

#include <atomic>

namespace panal {

/// Two switches, one for reads and one for writes; open at first. Thread-safe;
/// each switch is read for itself, so that a reader may see one of two that
/// were set together before the other.
class node_gate {
public:
  /// `ok`, or why reads are refused: `rejoining`.
  errc reads() const noexcept { return reads_.load(std::memory_order_acquire); }
  /// `ok`, or why writes are refused: `rejoining`, `clock_unsafe`.
  errc writes() const noexcept {
    return writes_.load(std::memory_order_acquire);
  }

  /// `ok` opens, any other code closes and is what is answered from now on.
  void set_reads(errc code) noexcept {
    reads_.store(code, std::memory_order_release);
  }
  void set_writes(errc code) noexcept {
    writes_.store(code, std::memory_order_release);
  }
  void set(errc reads, errc writes) noexcept {
    set_reads(reads);
    set_writes(writes);
  }

private:
  std::atomic<errc> reads_ = errc::ok;
  std::atomic<errc> writes_ = errc::ok;
};

} // namespace panal
