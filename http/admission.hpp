#pragma once

// Who may change the cluster itself, as opposed to what it holds.

#include "http/node_view.hpp"
#include "http/problem.hpp"
#include "http/request_parser.hpp"

#include <optional>

namespace panal::http {

/// On a node with a cluster secret: whoever sends it as a bearer token (RFC
/// 6750), else 401. On a node without: clients of the same machine that name
/// it by a loopback host, else 403; the name keeps out web pages whose own
/// name leads to 127.0.0.1.
/// @return why the request is refused; else nothing.
std::optional<problem> check_admission(const request_head& head,
                                       const node_view& node);

} // namespace panal::http
