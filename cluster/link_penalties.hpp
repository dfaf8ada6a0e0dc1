#pragma once

// Peers that broke the protocol, and how long each is kept out.

#include "cluster/backoff.hpp"
#include "cluster/outbound.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstddef>
#include <map>

namespace panal {

/// Not thread-safe; owned by a link book.
class link_penalties {
public:
  /// Peers that are remembered; of more the one that is to be let in first
  /// gives way.
  static constexpr std::size_t peers_max = 256;

  /// @param first, bound   of the pauses, which grow with each fault.
  /// @param forgiven_after  a pause has ended: then the next is a first one.
  link_penalties(std::chrono::milliseconds first,
                 std::chrono::milliseconds bound,
                 std::chrono::milliseconds forgiven_after)
      : first_{first}, bound_{bound}, forgiven_after_{forgiven_after} {}

  /// A peer has broken the protocol.
  void add(origin_id who, steady_time now);
  /// True while it is to be kept out.
  bool keeps_out(origin_id who, steady_time now) const;
  std::size_t size() const noexcept { return penalties_.size(); }

private:
  struct penalty {
    backoff pause;
    steady_time until{};
  };

  void make_room();

  std::chrono::milliseconds first_;
  std::chrono::milliseconds bound_;
  std::chrono::milliseconds forgiven_after_;
  std::map<origin_id, penalty> penalties_;
};

} // namespace panal
