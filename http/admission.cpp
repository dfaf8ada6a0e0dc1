#include "http/admission.hpp"

#include "config/address.hpp"

#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <string_view>

namespace panal::http {
namespace {

// The token of "Bearer <token>"; empty when that is not what stands there.
std::string_view bearer_token(std::string_view authorization) noexcept {
  constexpr std::string_view scheme = "bearer ";
  const auto word = authorization.substr(0, scheme.size());
  if (!boost::beast::iequals({word.data(), word.size()},
                             {scheme.data(), scheme.size()}))
    return {};
  authorization.remove_prefix(scheme.size());
  const auto from = authorization.find_first_not_of(' ');
  return authorization.substr(std::min(from, authorization.size()));
}

// An authority without its port and brackets.
std::string_view host_of(std::string_view authority) noexcept {
  if (authority.starts_with('['))
    return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

} // namespace

std::optional<problem> check_admission(const request_head& head,
                                       const node_view& node) {
  if (node.is_secret) {
    const auto token = bearer_token(head.authorization);
    if (!token.empty() && node.is_secret(token))
      return std::nullopt;
    return problem{.status = 401,
                   .type = "unauthorized",
                   .detail = "This needs the cluster's secret as a bearer "
                             "token"};
  }
  if (head.from_loopback
      && (head.host.empty() || is_loopback(host_of(head.host))))
    return std::nullopt;
  return problem{.status = 403,
                 .type = "forbidden",
                 .detail = "Without a cluster secret this can be done from "
                           "the node's own machine alone"};
}

} // namespace panal::http
