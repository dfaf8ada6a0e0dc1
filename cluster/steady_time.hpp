#pragma once

#include <chrono>

namespace panal {

/// Time for deadlines inside a process; never compared between nodes.
using steady_time = std::chrono::steady_clock::time_point;

} // namespace panal
