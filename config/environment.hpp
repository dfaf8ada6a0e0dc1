#pragma once

// Options from environment variables: PANAL_NAME, and a few names that came
// before it (NODE_ID, NODES, INTERNAL_TOKEN). A PANAL_ variable that names no
// option is a mistake, since it is most likely a typing error.

#include "config/option_table.hpp"

namespace panal {

/// Reads "NAME=value" texts up to a null pointer, as in POSIX's `environ`; of
/// a name given twice the first counts. An empty value counts as not set.
/// What Kubernetes and Docker inject for a service of that name
/// (PANAL_SERVICE_HOST, PANAL_PORT_80_TCP...) is no mistake.
source_text read_environment(const char* const* environment);

} // namespace panal
