#pragma once

// Text from outside made safe to show: on a terminal, in a log line, in a
// mistake's sentence. Plain ASCII stays readable; everything else is escaped.

#include <cstddef>
#include <string>
#include <string_view>

namespace panal {

/// The text between double quotes, as printable ASCII without a line break:
/// `"` and `\` get a backslash, other bytes become \n, \r, \t or \xNN.
/// Of a longer text only the first `bytes_max` bytes are shown, then `...`.
std::string quoted(std::string_view text,
                   std::size_t bytes_max = std::string_view::npos);

} // namespace panal
