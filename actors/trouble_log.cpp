#include "actors/trouble_log.hpp"

#include "logging/log.hpp"

namespace panal {

namespace {

constexpr std::chrono::seconds line_interval{5};

} // namespace

void trouble_log::say(const trouble& what, log::rate_limiter::time_point now) {
  if (what.why.code == errc::ok)
    return log::info(what.event);
  const auto limit =
      limits_.try_emplace(std::string{what.event}, 1, line_interval).first;
  if (const auto unsaid = limit->second.allow(now))
    log::error(what.event, {{"code", to_string(what.why.code)},
                            {"detail", what.why.detail},
                            {"unsaid", *unsaid}});
}

} // namespace panal
