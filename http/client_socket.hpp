#pragma once

// One request to a node, for the program's own commands.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace panal::http {

/// Connects to `host`:`port`, at each of its addresses until one answers,
/// sends `request` and reads up to the connection's end or `bytes_max`. Blocks
/// the calling thread.
/// @param timeout  of each step: connecting, sending, every read.
/// @return what came; empty when nothing did.
std::string ask_once(const std::string& host, std::uint16_t port,
                     std::string_view request, std::size_t bytes_max,
                     std::chrono::milliseconds timeout);

} // namespace panal::http
