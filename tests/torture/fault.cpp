#include "tests/torture/fault.hpp"

#include <algorithm>

namespace panal::torture {

namespace {

/// A node that comes back takes its time until it serves.
constexpr milliseconds recovery{300};
/// A node's files are larger than that after a second or two.
constexpr std::uint64_t file_bytes_max = 524'288;

} // namespace

std::string_view to_string(fault_kind what) noexcept {
  switch (what) {
  case fault_kind::delay:
    return "delay";
  case fault_kind::rate:
    return "rate";
  case fault_kind::hole:
    return "hole";
  case fault_kind::one_way_hole:
    return "one_way_hole";
  case fault_kind::cut:
    return "cut";
  case fault_kind::cut_in_frame:
    return "cut_in_frame";
  case fault_kind::split:
    return "split";
  case fault_kind::kill:
    return "kill";
  case fault_kind::restart:
    return "restart";
  case fault_kind::pause:
    return "pause";
  case fault_kind::full_disk:
    return "full_disk";
  case fault_kind::clock:
    return "clock";
  }
  return "?";
}

bool is_of_node(fault_kind what) noexcept {
  return what >= fault_kind::kill;
}

std::string describe(const fault& what) {
  using test::text;
  auto result = text(what.starts.count(), " ms, for ", what.lasts.count(),
                     " ms: ", to_string(what.what));
  if (what.what == fault_kind::split)
    return text(result, " sides ", what.sides, what.refuses ? ", refused" : "",
                what.cuts_at_end ? ", cut at the end" : "");
  result += text(" node", what.node + 1);
  if (!is_of_node(what.what))
    result += text(" node", what.peer + 1);
  switch (what.what) {
  case fault_kind::hole:
  case fault_kind::one_way_hole:
    return text(result, what.cuts_at_end ? ", cut at the end" : "");
  case fault_kind::delay:
    return text(result, " by ", what.delay.count(), "+", what.jitter.count(),
                " ms");
  case fault_kind::rate:
    return text(result, " to ", what.bytes_per_second, " bytes/s");
  case fault_kind::full_disk:
    return text(result, " at ", what.file_bytes_max, " bytes");
  case fault_kind::clock:
    return text(result, " by ", what.offset_ms, " ms");
  default:
    return result;
  }
}

fault_schedule::fault_schedule(const fault_setup& setup)
    : setup_{setup}, random_{setup.seed}, busy_until_(setup.nodes) {}

std::uint64_t fault_schedule::below(std::uint64_t end) {
  return random_() % end;
}

milliseconds fault_schedule::between(int from, int to) {
  return milliseconds{
      from + static_cast<int>(below(static_cast<std::uint64_t>(to - from)))};
}

std::size_t fault_schedule::busy_nodes() const {
  return static_cast<std::size_t>(
      std::count_if(busy_until_.begin(), busy_until_.end(),
                    [this](auto until) { return until > now_; }));
}

fault fault_schedule::next() {
  now_ += between(1, 2 * static_cast<int>(setup_.between.count()));
  fault result;
  do {
    auto what = static_cast<fault_kind>(below(fault_kind_count));
    if (!is_of_node(what))
      result = of_link(what);
    else if (what == fault_kind::clock && setup_.clock_range.count() == 0)
      continue;
    else if (busy_nodes() + 1 < setup_.nodes)
      result = of_node(what);
  } while (result.lasts.count() == 0);
  result.starts = now_;
  return result;
}

fault fault_schedule::of_node(fault_kind what) {
  fault result;
  result.what = what;
  do
    result.node = below(setup_.nodes);
  while (busy_until_[result.node] > now_);
  switch (what) {
  case fault_kind::kill:
    result.lasts = below(3) == 0 ? between(1, 20) : between(20, 1'500);
    break;
  case fault_kind::pause:
    result.lasts = between(200, 4'000);
    break;
  case fault_kind::full_disk:
    result.lasts = between(200, 2'000);
    result.file_bytes_max = below(2) == 0 ? 0 : below(file_bytes_max);
    break;
  case fault_kind::clock: {
    auto range = setup_.clock_range.count();
    result.lasts = between(300, 4'000);
    result.offset_ms = static_cast<std::int64_t>(
                           below(static_cast<std::uint64_t>(2 * range) + 1))
                       - range;
    break;
  }
  default:
    result.lasts = between(50, 800);
  }
  busy_until_[result.node] = now_ + result.lasts + recovery;
  return result;
}

fault fault_schedule::of_link(fault_kind what) {
  fault result;
  result.what = what;
  result.node = below(setup_.nodes);
  result.peer = (result.node + 1 + below(setup_.nodes - 1)) % setup_.nodes;
  result.lasts = between(200, 3'500);
  result.cuts_at_end = below(2) == 0;
  switch (what) {
  case fault_kind::delay:
    result.delay = between(1, 150);
    result.jitter = between(0, 200);
    break;
  case fault_kind::rate:
    result.bytes_per_second = 500 + below(20'000);
    break;
  case fault_kind::cut:
  case fault_kind::cut_in_frame:
    result.lasts = milliseconds{1};
    break;
  case fault_kind::split:
    result.refuses = below(2) == 0;
    // Neither side is empty.
    result.sides =
        1 + static_cast<std::uint32_t>(below((1ULL << setup_.nodes) - 2));
    break;
  default:
    break;
  }
  return result;
}

} // namespace panal::torture
