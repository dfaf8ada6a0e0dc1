#pragma once

// Times as the API shows them.

#include "storage/clock.hpp"

#include <string>

namespace panal::http {

/// The last millisecond of the year 9999: no expiry may lie beyond it, for
/// its text would have five digits of year.
inline constexpr unix_ms last_expiry = 253'402'300'799'999;

/// Appends "2025-01-01T00:00:00.000000": UTC, six digits of fraction.
/// @param t  from the year 1 up to `last_expiry`.
void append_timestamp(std::string& out, unix_ms t);

/// Appends "Wed, 01 Jan 2025 00:00:00 GMT", the Date header's form.
void append_http_date(std::string& out, unix_ms t);

} // namespace panal::http
