#include "storage/cluster_report.hpp"

namespace panal {

std::string_view to_string(member_state state) noexcept {
  switch (state) {
  case member_state::self:
    return "self";
  case member_state::linked:
    return "linked";
  case member_state::syncing:
    return "syncing";
  case member_state::unreachable:
    return "unreachable";
  }
  return "unknown";
}

} // namespace panal
