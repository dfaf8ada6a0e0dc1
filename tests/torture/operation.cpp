#include "tests/torture/operation.hpp"

#include <array>
#include <cstdio>

namespace panal::torture {

namespace {

std::string seconds_since(time_point since, time_point when) {
  if (when == time_point::max())
    return "?";
  std::array<char, 32> text{};
  auto passed = std::chrono::duration<double>(when - since).count();
  std::snprintf(text.data(), text.size(), "%.6f", passed);
  return text.data();
}

std::string shown(const entry& what) {
  return what.value.substr(0, 40) + " version " + std::to_string(what.version);
}

} // namespace

void answer(operation& which, const test::reply& what, time_point now) {
  which.status = what.status;
  const bool read =
      which.what == action::get && (what.status == 200 || what.status == 404);
  if (read || what.status == 200)
    which.came_to = outcome::ok;
  else if (what.surely_not_done())
    which.came_to = outcome::failed;
  else
    return;
  which.returned = now;
  if (read && what.status == 200)
    which.found = entry{what.version, what.value};
}

std::string describe(const operation& what, time_point since) {
  auto result = seconds_since(since, what.called) + " to "
                + seconds_since(since, what.returned) + " node"
                + std::to_string(what.node + 1);
  switch (what.what) {
  case action::put:
    result += " put " + shown(what.puts);
    if (what.ttl_ms > 0)
      result += " ttl " + std::to_string(what.ttl_ms);
    break;
  case action::remove:
    result += " delete";
    break;
  case action::get:
    result += " get";
    break;
  }
  result += what.came_to == outcome::ok       ? ": ok "
            : what.came_to == outcome::failed ? ": failed "
                                              : ": unknown ";
  result += std::to_string(what.status);
  if (what.what == action::get && what.came_to == outcome::ok)
    result.append(" ").append(what.found ? shown(*what.found) : "nothing");
  return result;
}

} // namespace panal::torture
