#include "storage/clock.hpp"

#include <chrono>

namespace panal {

unix_ms system_clock::now() const noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

} // namespace panal
