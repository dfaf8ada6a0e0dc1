#include "storage/operation.hpp"

namespace panal {

std::string_view to_string(write_level level) noexcept {
  switch (level) {
  case write_level::memory:
    return "memory";
  case write_level::disk:
    return "disk";
  case write_level::sync:
    return "sync";
  case write_level::quorum:
    return "quorum";
  case write_level::all:
    return "all";
  }
  return "unknown";
}

} // namespace panal
