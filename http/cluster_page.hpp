#pragma once

// What a node knows of its cluster, as JSON. Origins, runs, stamps and hashes
// are hexadecimal strings, for a reader's numbers may have 53 bits; moments
// look like an entry's `expires_at`. No key ever appears.

#include "storage/cluster_report.hpp"
#include "storage/node_conditions.hpp"

#include <string>

namespace panal::http {

/// Appends the whole report but for the digest tree's 64 hashes.
/// @param of  what is wrong with the node; of a report that says "ok" they
///            make "degraded".
void append_report(std::string& out, const cluster_report& what,
                   const node_conditions& of);

/// Appends the digest tree: {"node", "root", "children", "keys"}. Two nodes
/// that hold the same have the same but for `node`.
void append_digest(std::string& out, const cluster_report& what);

} // namespace panal::http
