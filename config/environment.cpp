#include "config/environment.hpp"

#include "config/quote.hpp"

#include <algorithm>
#include <map>

namespace panal {

namespace {

constexpr std::string_view prefix = "PANAL_";

using variables = std::map<std::string_view, std::string_view>;

variables split(const char* const* environment) {
  variables result;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    std::string_view text = *environment;
    auto equals = text.find('=');
    if (equals != std::string_view::npos)
      result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

/// Variables about a container platform's service that is called "panal".
/// Their PORT_80_TCP... kind carries the protocol in its name or its value.
bool is_service_link(std::string_view name, std::string_view value) {
  return name.find("_SERVICE_HOST") != std::string_view::npos
         || name.find("_SERVICE_PORT") != std::string_view::npos
         || name.find("_TCP") != std::string_view::npos
         || name.find("_UDP") != std::string_view::npos
         || value.starts_with("tcp://") || value.starts_with("udp://");
}

bool is_known(std::string_view name) {
  const auto& table = option_table();
  return std::any_of(table.begin(), table.end(), [&](const auto& x) {
    return environment_name(x) == name;
  });
}

} // namespace

source_text read_environment(const char* const* environment) {
  source_text result;
  auto given = split(environment);
  auto take = [&](const option_spec& x, std::string_view name, bool by_alias) {
    auto found = given.find(name);
    if (found != given.end() && !found->second.empty())
      result.settings.push_back({&x, std::string{found->second},
                                 "environment " + std::string{name}, by_alias});
  };
  for (const auto& x : option_table()) {
    // The later one counts: PANAL_NODE_ID over NODE_ID.
    if (!x.alias.empty())
      take(x, x.alias, true);
    take(x, environment_name(x), false);
  }
  for (const auto& [name, value] : given)
    if (name.starts_with(prefix) && !is_known(name)
        && !is_service_link(name, value))
      result.mistakes.push_back("environment " + quoted(name, 100)
                                + ": no such option");
  return result;
}

} // namespace panal
