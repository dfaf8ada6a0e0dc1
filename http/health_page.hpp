#pragma once

// What a node says of its own health, as JSON.

#include "http/json_object.hpp"
#include "storage/errc.hpp"
#include "storage/node_conditions.hpp"

#include <string>
#include <string_view>

namespace panal::http {

/// A node's state in one word: the name of `refused` if that is not `ok`, else
/// "degraded" if a condition holds, else "ok".
/// @param refused  why the node refuses reads or writes.
std::string_view status_word(errc refused, bool is_degraded) noexcept;

/// Adds "reasons": a list of {"name", "detail"} and, of a condition that
/// counts, "count"; an empty list where nothing is wrong.
void add_reasons(json_object& page, const node_conditions& of);

/// Adds "figures": an object of the figures that were given.
void add_figures(json_object& page, const node_conditions& of);

/// Appends the health document: {"node", "status"}, and of a node that is not
/// "ok" "reason" (why `refused`), "reasons" and "figures", where there are any.
void append_health(std::string& out, std::string_view node, errc refused,
                   const node_conditions& of);

} // namespace panal::http
