#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace panal::http {

/// Asks a node whether it serves: GET /_health. Blocks the calling thread.
/// @param timeout  of each step: connecting, sending, every read.
/// @return 0 when the answer is 200; 1 when it is another or none. Fits the
///   exit status of a container's health check.
int probe(const std::string& host, std::uint16_t port,
          std::chrono::milliseconds timeout);

} // namespace panal::http
