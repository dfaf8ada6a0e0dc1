#include "storage/cluster_identity.hpp"

#include "storage/stamp.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace panal {

std::string to_string(const cluster_identity& who) {
  if (!who)
    return "none";
  const auto ms = time_of({who.born, 0});
  const std::time_t seconds = ms / 1'000;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  std::array<char, 32> at{};
  std::strftime(at.data(), at.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%016llx of %s.%03dZ",
                static_cast<unsigned long long>(who.id), at.data(),
                static_cast<int>(ms % 1'000));
  return text.data();
}

} // namespace panal
