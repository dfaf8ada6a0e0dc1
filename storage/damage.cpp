#include "storage/damage.hpp"

namespace panal {

std::string_view to_string(damaged what) noexcept {
  switch (what) {
  case damaged::entry:
    return "entry";
  case damaged::key:
    return "key";
  case damaged::missing:
    return "missing";
  case damaged::fact:
    return "fact";
  case damaged::run:
    return "run";
  case damaged::member:
    return "member";
  case damaged::cursor:
    return "cursor";
  case damaged::reissue:
    return "reissue";
  case damaged::number:
    return "number";
  }
  return "unknown";
}

} // namespace panal
