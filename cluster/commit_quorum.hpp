#pragma once
#include "cluster/outbound.hpp"
#include <vector>
namespace panal {
class commit_quorum {
public:
  struct done { std::uint64_t ticket; std::size_t members_reached; bool in_time; };
  bool add(std::uint64_t, position, std::size_t, steady_time) { return false; }
  void reached(origin_id, position) {}
  void forget(origin_id) {}
  std::vector<done> take_done(steady_time) { return {}; }
};
}
