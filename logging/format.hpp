#pragma once

// How a log line looks, as plain functions of its parts. What a stranger can
// put into a field (a key, a header, a peer's name) ends up on somebody's
// terminal: it can neither start a line nor a field of its own, nor reach
// the terminal as anything but printable characters.

#include "logging/log.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace panal::log {

/// "debug", "info", "warning" or "error".
std::string_view to_string(log_level x);

/// UTC with milliseconds: "2026-01-01T00:00:00.000Z".
std::string to_string(std::chrono::system_clock::time_point x);

/// A text-format value: as it is when it is printable ASCII without blanks,
/// `"`, `\` and `=`; otherwise (or when empty) quoted and escaped.
std::string text_value(std::string_view x);

/// A JSON string with its quotes. Control characters, also those of Unicode
/// (C1, line separators, changes of writing direction), become \uXXXX; bytes
/// that are not UTF-8 become U+FFFD.
std::string json_string(std::string_view x);

/// One line without its newline; `node` always comes first of the fields.
std::string format_line(log_format format,
                        std::chrono::system_clock::time_point time,
                        log_level level, std::string_view event,
                        std::string_view node, fields values);

} // namespace panal::log
