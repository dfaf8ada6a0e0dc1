#pragma once

// Whether what clients saw is what the cluster promises. Expectations come
// from versions and real time alone; the checker knows of no stamps.
//
//   a is before b   iff a's stamp is surely smaller: a was answered before b
//     was called by more than the clocks' error, or b's node surely held a
//     when b was called (it took a itself, or a client read a there)
//   a put may be what a key shows iff it was not refused, and
//     - no delete that counts comes after it, and
//     - every put that counts and beats it (a higher version, or as high and
//       later) may have been deleted before it was made, and
//     - it cannot have expired
//   nothing may be shown iff no put counts, or some delete has no put that
//     counts after it, or a put that may be shown may have expired
//
// What counts: in the end all that was carried out; for a read meanwhile only
// what its own node had acknowledged or shown before, since other nodes' news
// may be under way. An operation without an answer may have been carried out
// at any time after its call, or never: it allows, and demands nothing before
// somebody has seen its effect. A put over an expired entry is a delete first.

#include "tests/torture/operation.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace panal::torture {

enum class verdict {
  /// An acknowledged put is not there, and nothing can have removed it.
  lost,
  /// A read showed less than its own node had acknowledged or shown before.
  stale,
  /// What was surely deleted or has expired is there.
  resurrected,
  /// Nodes show different things in the end.
  differing,
  /// A value that nobody put, or whose put was refused.
  invented,
};
inline constexpr std::size_t verdict_count = 5;

std::string_view to_string(verdict what) noexcept;

struct violation {
  verdict what;
  std::string key;
  /// One line, and behind it all that was done to the key.
  std::string why;
};

class checker {
public:
  /// @param clock_error  how far any two nodes' clocks may ever have been
  ///   apart.
  explicit checker(milliseconds clock_error) : clock_error_{clock_error} {}

  /// @param done  all that clients did, in any order.
  /// @param last  gets of each key at each node, made after all of `done` has
  ///   ended and the cluster has had its time to settle. Empty: the end is
  ///   not judged.
  /// @returns at most one violation of a kind for each key.
  std::vector<violation> check(const history& done, const history& last) const;

private:
  milliseconds clock_error_;
};

} // namespace panal::torture
