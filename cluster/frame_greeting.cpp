// The frames by which peers judge each other's state: greetings and marks.

#include "cluster/frame.hpp"
#include "cluster/frame_codec.hpp"

#include <algorithm>
#include <utility>

namespace panal {

using wire::frame_type;
using wire::malformed;
using wire::reader;
using wire::writer;

namespace {

constexpr std::size_t run_bytes = 8 + 8 + 8;
constexpr std::size_t origin_mark_bytes = 8 + 8;

// On the wire: do not renumber.
constexpr unsigned flag_sealed = 1;
constexpr unsigned flag_settled = 2;
constexpr unsigned flag_rejoining = 4;
constexpr unsigned flag_has_data = 8;
constexpr unsigned flag_founder = 16;
constexpr unsigned flags_known = 31;

std::uint8_t flags_of(const greeting_frame& said) {
  unsigned flags = 0;
  flags |= said.sealed ? flag_sealed : 0;
  flags |= said.settled ? flag_settled : 0;
  flags |= said.rejoining ? flag_rejoining : 0;
  flags |= said.has_data ? flag_has_data : 0;
  flags |= said.founder ? flag_founder : 0;
  return static_cast<std::uint8_t>(flags);
}

void write_runs(writer& w, const std::vector<run_record>& runs) {
  const auto count = std::min(runs.size(), runs_max);
  w.number(static_cast<std::uint16_t>(count));
  for (auto i = runs.size() - count; i < runs.size(); ++i) {
    w.number(runs[i].id);
    w.number(runs[i].started_hlc);
    w.number(runs[i].reached);
  }
}

/// False if these are not runs.
bool read_runs(reader& in, std::vector<run_record>& runs) {
  const auto count = in.number<std::uint16_t>();
  if (count > runs_max || !in.holds(count, run_bytes))
    return false;
  runs.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    auto& run = runs.emplace_back();
    run.id = in.number<std::uint64_t>();
    run.started_hlc = in.number<std::uint64_t>();
    run.reached = in.number<position>();
    if (run.id == 0)
      return false;
  }
  return true;
}

} // namespace

std::string encode(const greeting_frame& said) {
  writer w{frame_type::greeting};
  w.number(said.hlc);
  w.number(said.line);
  w.number(said.last);
  w.number(flags_of(said));
  w.number(said.merged_hlc);
  w.number(said.marked);
  w.number(said.identity.born);
  w.number(said.identity.id);
  write_runs(w, said.runs);
  write_runs(w, said.receiver_runs);
  return std::move(w.out);
}

result<frame> wire::read_greeting(reader& in) {
  greeting_frame said;
  said.hlc = in.number<std::uint64_t>();
  said.line = in.number<std::uint64_t>();
  said.last = in.number<position>();
  const unsigned flags = in.number<std::uint8_t>();
  if (flags > flags_known)
    return malformed("a greeting with unknown flags");
  said.sealed = (flags & flag_sealed) != 0;
  said.settled = (flags & flag_settled) != 0;
  said.rejoining = (flags & flag_rejoining) != 0;
  said.has_data = (flags & flag_has_data) != 0;
  said.founder = (flags & flag_founder) != 0;
  said.merged_hlc = in.number<std::uint64_t>();
  said.marked = in.number<std::uint64_t>();
  said.identity.born = in.number<std::uint64_t>();
  said.identity.id = in.number<std::uint64_t>();
  if (!read_runs(in, said.runs) || !read_runs(in, said.receiver_runs))
    return malformed("a greeting names runs that are none");
  if (said.runs.empty())
    return malformed("a greeting without a present run");
  if (!said.identity && said.identity.id != 0)
    return malformed("a greeting of a cluster that was never born");
  return whole(in, std::move(said));
}

std::string encode(const mark_frame& said) {
  writer w{frame_type::mark};
  const auto count = std::min(said.merged.size(), frame_members_max);
  w.out.reserve(1 + 4 * 8 + 2 + count * origin_mark_bytes);
  w.number(said.acknowledged);
  w.number(said.at);
  w.number(said.view);
  w.number(said.wanted);
  w.number(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    w.number(said.merged[i].origin);
    w.number(said.merged[i].hlc);
  }
  return std::move(w.out);
}

result<frame> wire::read_mark(reader& in) {
  mark_frame said;
  said.acknowledged = in.number<position>();
  said.at = in.number<position>();
  said.view = in.number<std::uint64_t>();
  said.wanted = in.number<std::uint64_t>();
  const auto count = in.number<std::uint16_t>();
  if (count > frame_members_max || !in.holds(count, origin_mark_bytes))
    return malformed("a mark names too many origins");
  said.merged.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    auto& merged = said.merged.emplace_back();
    merged.origin = in.number<origin_id>();
    merged.hlc = in.number<std::uint64_t>();
  }
  return whole(in, std::move(said));
}

} // namespace panal
