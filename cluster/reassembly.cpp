#include "cluster/reassembly.hpp"

#include "storage/mutant.hpp"

#include <algorithm>
#include <utility>

namespace panal {

namespace {

/// Room is made for so many times the bytes that have come.
constexpr std::size_t growth = 2;

} // namespace

result<reassembly::progress> reassembly::add(origin_id from,
                                             const piece_frame& piece) {
  if (piece.total > bytes_max_)
    return error{errc::corrupt, "a stream is larger than any may be"};
  auto& to = streams_[from];
  if (piece.stream > to.id && !(PANAL_MUTANT(streams_mixed) && !to.is_closed)) {
    close(to);
    to = {piece.stream, piece.total, {}, ++last_turn_, piece.offset != 0};
  }
  const bool is_open = !to.is_closed && piece.stream == to.id;
  if (is_open && piece.offset < to.bytes.size())
    return progress::unfinished; // it has come twice
  const bool fits = is_open && piece.offset == to.bytes.size();
  if (!fits && !(PANAL_MUTANT(streams_mixed) && !to.is_closed))
    return progress::stray;
  if (piece.total != to.total && !PANAL_MUTANT(streams_mixed))
    return error{errc::corrupt, "a stream changes its size"};
  if (!make_room(piece.bytes.size(), to)) {
    close(to);
    return progress::given_up;
  }
  const auto size = to.bytes.size() + piece.bytes.size();
  if (to.bytes.capacity() < size)
    to.bytes.reserve(std::min<std::uint64_t>(to.total, growth * size));
  to.bytes += piece.bytes;
  bytes_ += piece.bytes.size();
  return size >= to.total ? progress::whole : progress::unfinished;
}

std::string reassembly::take(origin_id from) {
  auto& done = streams_[from];
  auto bytes = std::exchange(done.bytes, {});
  bytes_ -= bytes.size();
  done.is_closed = true;
  return bytes;
}

void reassembly::reset(origin_id from) {
  if (PANAL_MUTANT(stream_outlives_link))
    return;
  if (const auto i = streams_.find(from); i != streams_.end()) {
    close(i->second);
    streams_.erase(i);
  }
}

bool reassembly::is_receiving(origin_id from) const {
  const auto i = streams_.find(from);
  return i != streams_.end() && !i->second.is_closed;
}

void reassembly::close(stream& done) {
  bytes_ -= done.bytes.size();
  done.bytes = {};
  done.is_closed = true;
}

// The youngest give way first, and none to a younger one.
bool reassembly::make_room(std::size_t bytes, const stream& wanted) {
  while (bytes_ + bytes > bytes_max_) {
    stream* youngest = nullptr;
    for (auto& [who, each] : streams_)
      if (!each.is_closed && !each.bytes.empty()
          && (youngest == nullptr || each.turn > youngest->turn))
        youngest = &each;
    if (youngest == nullptr || youngest->turn <= wanted.turn)
      return false;
    close(*youngest);
  }
  return true;
}

} // namespace panal
