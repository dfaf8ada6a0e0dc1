#pragma once

// The one table from what went wrong to what HTTP says about it.

#include "storage/errc.hpp"

#include <string_view>

namespace panal::http {

/// The HTTP status of an operation's outcome: 200 for `ok`.
unsigned status_of(errc code) noexcept;

/// One English sentence for the client about `code`, without anything of the
/// node's inside: the `detail` of its problem document.
std::string_view detail_of(errc code) noexcept;

/// The status's reason phrase, "Not Found"; "Error" for one never sent.
std::string_view reason_phrase(unsigned status) noexcept;

} // namespace panal::http
