#pragma once

// Every way in which an operation can fail, and the value type that carries
// such a failure. Each code has exactly one HTTP status (http/status.cpp).

#include <boost/system/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace panal {

/// What went wrong. Answers that a caller expects (`not_found`, `expired`,
/// `stale_version`) are codes like the others: none of them is logged.
enum class errc : std::uint8_t {
  ok = 0,
  /// The key is not there, or was deleted.
  not_found,
  /// The key was there until its expiry passed.
  expired,
  /// The put's version is not above the current one, which the answer names.
  stale_version,
  /// The disk (or the database's page limit) is full: nothing was changed.
  storage_full,
  /// The database refused the write for another reason: nothing was changed.
  storage_failed,
  /// The data set has reached `--max-memory-bytes`: nothing was changed.
  memory_full,
  /// A queue has reached its limit: nothing was changed, try again.
  overloaded,
  /// The part that should have answered is stopping or gone.
  unavailable,
  /// No answer came in time: a write may or may not have been carried out.
  deadline_exceeded,
  /// Bytes from disk or from a peer are not what this version writes.
  corrupt,
  /// The node's clock is too far from its peers': writes are refused.
  clock_unsafe,
  /// The node is taking the cluster's state over, and has none to show yet.
  rejoining,
  /// What is asked for does not fit the present state.
  conflict,
  /// The data directory was removed or replaced: nothing was changed.
  storage_gone,
  /// The key's row on disk is damaged, and no peer has given its state yet:
  /// it is not known what the key holds.
  unreadable,
};

/// The code's name, as it stands in logs and in problem types: "not_found".
std::string_view to_string(errc code) noexcept;

/// A failure: its code, and words for a log line (never shown to a client).
struct error {
  errc code = errc::ok;
  std::string detail;
};

/// Lets boost::system::result throw on an unchecked `.value()`; such a throw
/// is a mistake in our code, never a reaction to input.
[[noreturn]] void throw_exception_from_error(const error& err,
                                             const boost::source_location& at);

/// A value, or the error that stands in its way.
template <class T>
using result = boost::system::result<T, error>;

} // namespace panal
