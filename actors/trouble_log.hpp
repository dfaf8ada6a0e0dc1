#pragma once

#include "logging/rate_limit.hpp"
#include "storage/journal_care.hpp"

#include <map>
#include <string>

namespace panal {

/// Logs what goes wrong on a disk, of each kind one line in a few seconds: a
/// full disk refuses thousands of commits.
class trouble_log {
public:
  void say(const trouble& what, log::rate_limiter::time_point now);

private:
  std::map<std::string, log::rate_limiter, std::less<>> limits_;
};

} // namespace panal
