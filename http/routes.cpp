#include "http/routes.hpp"

#include "http/query.hpp"

#include <algorithm>

namespace panal::http {
namespace {

bool is_page(resource what) noexcept {
  return what == resource::health || what == resource::cluster
         || what == resource::digest;
}

bool allows(resource what, method verb) noexcept {
  switch (verb) {
  case method::get:
  case method::head:
    return what == resource::entry || is_page(what);
  case method::put:
    return what == resource::entry;
  case method::remove:
    return what == resource::entry || what == resource::cache
           || what == resource::member;
  case method::options:
    return true;
  default:
    return false;
  }
}

route api_route_of(std::string_view path) noexcept {
  constexpr std::string_view members = "/members/";
  if (path.empty())
    return {resource::cluster};
  if (path == "/digest")
    return {resource::digest};
  if (path.starts_with(members))
    return {resource::member, path.substr(members.size())};
  return {};
}

route route_of(std::string_view path) noexcept {
  constexpr std::string_view entries = "/cache/";
  constexpr std::string_view cluster = "/api/v1/cluster";
  if (path.starts_with(entries))
    return {resource::entry, path.substr(entries.size())};
  if (path == "/cache")
    return {resource::cache};
  if (path == "/_health")
    return {resource::health};
  if (path.starts_with(cluster))
    return api_route_of(path.substr(cluster.size()));
  if (path == "*")
    return {resource::server};
  return {};
}

problem not_allowed(resource what) {
  return {.status = 405,
          .type = "method_not_allowed",
          .detail = "The method is not allowed here",
          .allow = allowed_methods(what)};
}

// Whether the request changes entries, so that it may ask for a durability.
bool is_write(resource what, method verb) noexcept {
  return (what == resource::entry || what == resource::cache)
         && (verb == method::put || verb == method::remove);
}

} // namespace

std::string_view allowed_methods(resource what) noexcept {
  if (is_page(what))
    return "GET, HEAD, OPTIONS";
  if (what == resource::cache || what == resource::member)
    return "DELETE, OPTIONS";
  return "GET, HEAD, PUT, DELETE, OPTIONS";
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
    return read_query(head.target.substr(path_end + 1),
                      is_write(to.what, head.verb), to.level);
  return std::nullopt;
}

} // namespace panal::http
