// storage/entry: what reads as an entry is written back byte for byte, and
// merging entries gives one result in any order, grouping and repetition.

#include "storage/entry.hpp"

#include "fuzz/input.hpp"

#include <algorithm>

using namespace panal;

namespace {

/// The put that shows: of those that no expired one before them hides the
/// first that has not expired; where there is none, the first of all.
const put_record& shown(const entry& state, unix_ms now) {
  std::uint64_t hidden_below = 0;
  for (const auto& put : state.frontier) {
    const bool expired = put.stripped || now >= put.expires_at;
    if (!expired && put.at.hlc >= hidden_below)
      return put;
    if (expired)
      hidden_below = std::max(hidden_below, expiry_hlc(put.expires_at));
  }
  return state.frontier.front();
}

/// Reads `bytes` as an entry; an empty one where they are none.
entry read_entry(std::string_view bytes) {
  // These look at what was checked before, but must survive anything.
  floor_of(bytes);
  newest_stamp(bytes);
  winner(bytes, 0);
  auto state = decode(bytes);
  if (!state)
    return {};
  PANAL_HOLDS(encode(*state) == bytes);
  PANAL_HOLDS(floor_of(bytes) == state->floor);
  PANAL_HOLDS(newest_stamp(bytes) == newest_stamp(*state));
  const auto seen = winner(bytes, 0);
  PANAL_HOLDS((seen.state == presence::absent) == state->frontier.empty());
  if (!state->frontier.empty()) {
    const auto& best = shown(*state, 0);
    PANAL_HOLDS(seen.version == best.version && seen.at == best.at
                && seen.expires_at == best.expires_at
                && seen.value == best.value);
  }
  return std::move(*state);
}

void check_merge(const entry& a, const entry& b, const entry& c,
                 const stamp& cleared) {
  const auto joined = merge(a, b, cleared);
  PANAL_HOLDS(joined == merge(b, a, cleared));
  PANAL_HOLDS(joined == merge(joined, a, cleared));
  PANAL_HOLDS(joined == merge(joined, joined, cleared));
  PANAL_HOLDS(joined == merge(merge(a, b), {}, cleared));
  // Far more conflicting puts than members fit into no entry: the greatest
  // stay, and which others do depends on the order.
  const auto puts = a.frontier.size() + b.frontier.size() + c.frontier.size();
  if (puts <= frontier_max)
    PANAL_HOLDS(merge(joined, c, cleared)
                == merge(a, merge(b, c, cleared), cleared));
  const auto back = decode(encode(joined));
  PANAL_HOLDS(back.has_value() && *back == joined);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input in{data, size};
  const auto hlc = in.byte();
  const auto first = in.byte();
  const auto second = in.byte();
  const auto a = read_entry(in.take(first));
  const auto b = read_entry(in.take(second));
  const auto c = read_entry(in.rest());
  check_merge(a, b, c, {hlc, 0});
  return 0;
}
