#pragma once

// Whom this node does not want to talk to, as the node has told the
// gatekeeper: members that were removed for good, and runs of a member that
// are copies of it.

#include "cluster/handshake.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

namespace panal {

/// Thread-safe.
class gatekeeper_refusals {
public:
  /// From now on `run` of `origin` gets `why`; run 0 stands for all runs. One
  /// beyond entries_max pushes the oldest one out.
  void refuse(origin_id origin, std::uint64_t run, verdict why);

  /// Takes everything back that stands against `origin`.
  void allow(origin_id origin);

  /// What stands against that run of `origin`: what was said of it alone, or
  /// else of all its runs.
  std::optional<verdict> find(origin_id origin, std::uint64_t run) const;

  static constexpr std::size_t entries_max = 1024;

private:
  struct entry {
    verdict why;
    std::uint64_t number;
  };
  using key = std::pair<origin_id, std::uint64_t>;

  void drop_oldest();

  mutable std::mutex mutex_;
  std::map<key, entry> entries_;
  std::uint64_t next_number_ = 0;
};

} // namespace panal
