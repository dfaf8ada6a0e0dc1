#include "http/routes.hpp"

#include <algorithm>

namespace panal::http {
namespace {

bool allows(resource what, method verb) noexcept {
  switch (verb) {
  case method::get:
  case method::head:
    return what == resource::entry || what == resource::health;
  case method::put:
  case method::remove:
    return what == resource::entry;
  case method::options:
    return true;
  default:
    return false;
  }
}

route route_of(std::string_view path) noexcept {
  constexpr std::string_view cache = "/cache/";
  if (path.starts_with(cache))
    return {resource::entry, path.substr(cache.size())};
  if (path == "/_health")
    return {resource::health, {}};
  if (path == "*")
    return {resource::server, {}};
  return {};
}

problem not_allowed(resource what) {
  return {.status = 405,
          .type = "method_not_allowed",
          .detail = "The method is not allowed here",
          .allow = allowed_methods(what)};
}

} // namespace

std::string_view allowed_methods(resource what) noexcept {
  return what == resource::health ? "GET, HEAD, OPTIONS"
                                  : "GET, HEAD, PUT, DELETE, OPTIONS";
}

std::optional<problem> find_route(const request_head& head, route& to) {
  if (head.verb == method::unknown)
    return problem{.status = 501,
                   .type = "not_implemented",
                   .detail = "The method is not known"};
  if (head.verb == method::connect || head.verb == method::trace)
    return not_allowed(resource::server);
  const auto path_end = std::min(head.target.find('?'), head.target.size());
  to = route_of(head.target.substr(0, path_end));
  if (to.what == resource::none)
    return problem{.status = 404,
                   .type = "no_such_path",
                   .detail = "There is nothing at this path"};
  if (!allows(to.what, head.verb))
    return not_allowed(to.what);
  if (head.target.size() > path_end + 1)
    return problem{.status = 400,
                   .type = "bad_request",
                   .detail = "A query parameter is not known here"};
  return std::nullopt;
}

} // namespace panal::http
