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

/// No entry is empty (a key may be: the cleared floor's), so an item takes at
/// least this.
constexpr std::size_t item_bytes_min = 4 + 4 + 1;
/// Of a member whose name and address are empty.
constexpr std::size_t member_bytes_min = 8 + 2 + 2 + 8;

result<frame> read_heartbeat(reader& in) {
  heartbeat_frame said;
  said.sent_at = in.number<unix_ms>();
  said.echo = in.number<unix_ms>();
  said.held_ms = in.number<std::uint32_t>();
  return whole(in, said);
}

result<frame> read_accept(reader& in) {
  if (in.number<std::uint8_t>() != 1)
    return malformed("an accept that accepts nothing");
  return whole(in, accept_frame{});
}

result<frame> read_ack(reader& in) {
  ack_frame said;
  said.upto = in.number<position>();
  said.last = in.number<position>();
  said.settled = in.number<position>();
  const auto refused = in.number<std::uint8_t>();
  if (refused > 1 || said.settled < said.upto)
    return malformed("an acknowledgement that contradicts itself");
  said.refused = refused == 1;
  return whole(in, said);
}

frame_type type_of(std::string_view bytes) noexcept {
  return frame_type{bytes.empty() ? std::uint8_t{0}
                                  : static_cast<std::uint8_t>(bytes.front())};
}

} // namespace

result<frame> wire::read_members(reader& in) {
  members_frame said;
  const auto count = in.number<std::uint16_t>();
  if (count > frame_members_max || !in.holds(count, member_bytes_min))
    return malformed("a frame names too many members");
  said.known.reserve(count);
  for (unsigned i = 0; i < count && !in.failed(); ++i) {
    auto& who = said.known.emplace_back();
    who.origin = in.number<std::uint64_t>();
    who.name = in.text<std::uint16_t>();
    who.address = in.text<std::uint16_t>();
    who.forgotten = in.number<std::uint64_t>();
  }
  return whole(in, std::move(said));
}

result<frame> wire::read_changes(reader& in) {
  changes_frame said;
  said.acknowledged = in.number<std::uint64_t>();
  said.after = in.number<std::uint64_t>();
  said.upto = in.number<std::uint64_t>();
  said.first_stream = in.number<std::uint32_t>();
  said.streams = in.number<std::uint16_t>();
  const auto count = in.number<std::uint32_t>();
  if (said.upto < said.after || said.after < said.acknowledged)
    return malformed("a changes frame runs backwards");
  if (said.streams > frame_streams_max
      || (said.streams > 0 && said.first_stream == 0)
      || said.first_stream > UINT32_MAX - said.streams)
    return malformed("a changes frame defers to no streams or too many");
  if (!in.holds(count, item_bytes_min))
    return malformed("a changes frame announces more than it holds");
  said.items.reserve(count);
  for (unsigned i = 0; i < count && !in.failed(); ++i) {
    const auto key = in.text<std::uint32_t>();
    const auto entry = in.text<std::uint32_t>();
    if (entry.empty())
      return malformed("a change without its entry");
    said.items.push_back({key, entry});
  }
  return whole(in, std::move(said));
}

std::string encode(const heartbeat_frame& said) {
  writer w{frame_type::heartbeat};
  w.number(said.sent_at);
  w.number(said.echo);
  w.number(said.held_ms);
  return std::move(w.out);
}

std::string encode(const members_frame& said) {
  std::size_t bytes = 1 + 2;
  std::size_t count = 0;
  for (const auto& who : said.known) {
    bytes += member_bytes_min + who.name.size() + who.address.size();
    if (count == frame_members_max || bytes > small_frame_bytes_max)
      break;
    ++count;
  }
  writer w{frame_type::members};
  w.number(static_cast<std::uint16_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const auto& who = said.known[i];
    w.number(who.origin);
    w.text<std::uint16_t>(who.name);
    w.text<std::uint16_t>(who.address);
    w.number(who.forgotten);
  }
  return std::move(w.out);
}

std::string encode(const ack_frame& said) {
  writer w{frame_type::ack};
  w.number(said.upto);
  w.number(said.last);
  w.number(std::max(said.settled, said.upto));
  w.number(static_cast<std::uint8_t>(said.refused));
  return std::move(w.out);
}

std::string encode(const accept_frame&) {
  writer w{frame_type::accept};
  w.number(std::uint8_t{1});
  return std::move(w.out);
}

std::string encode_changes(position acknowledged, position after, position upto,
                           std::span<const change* const> sent,
                           std::uint32_t first_stream, std::uint16_t streams) {
  writer w{frame_type::changes};
  std::size_t size = 1 + 8 + 8 + 8 + 4 + 2 + 4;
  for (const auto* what : sent)
    size += 4 + what->key.size() + 4 + what->entry.size();
  w.out.reserve(size);
  w.number(acknowledged);
  w.number(after);
  w.number(upto);
  w.number(first_stream);
  w.number(streams);
  w.number(static_cast<std::uint32_t>(sent.size()));
  for (const auto* what : sent) {
    w.text<std::uint32_t>(what->key);
    w.text<std::uint32_t>(what->entry);
  }
  return std::move(w.out);
}

bool is_link_frame(std::string_view bytes) noexcept {
  return type_of(bytes) == frame_type::members;
}

bool is_counted(std::string_view bytes) noexcept {
  const auto type = type_of(bytes);
  return type == frame_type::changes || type == frame_type::repair_entries
         || type == frame_type::fetched || type == frame_type::piece;
}

bool may_be_cut(std::string_view bytes) noexcept {
  const auto type = type_of(bytes);
  return type == frame_type::repair_entries || type == frame_type::repair_leaves
         || type == frame_type::fetched;
}

std::size_t frame_limit(std::uint8_t type) noexcept {
  switch (frame_type{type}) {
  case frame_type::changes:
  case frame_type::repair_entries:
  case frame_type::fetched:
  case frame_type::repair_leaves:
  case frame_type::piece:
    return frame_bytes_max;
  case frame_type::heartbeat:
  case frame_type::members:
  case frame_type::ack:
  case frame_type::greeting:
  case frame_type::accept:
  case frame_type::mark:
  case frame_type::repair_root:
  case frame_type::repair_equal:
  case frame_type::repair_ask:
  case frame_type::repair_hashes:
  case frame_type::receipt:
  case frame_type::fetch:
    return small_frame_bytes_max;
  case frame_type::deferred:
    return 0; // in streams alone
  }
  return 0;
}

result<frame> decode_frame(std::string_view bytes) {
  reader in{bytes};
  const auto type = in.number<std::uint8_t>();
  if (const auto limit = frame_limit(type); limit != 0 && bytes.size() > limit)
    return malformed("a frame is too large");
  switch (frame_type{type}) {
  case frame_type::heartbeat:
    return read_heartbeat(in);
  case frame_type::members:
    return wire::read_members(in);
  case frame_type::changes:
    return wire::read_changes(in);
  case frame_type::ack:
    return read_ack(in);
  case frame_type::greeting:
    return wire::read_greeting(in);
  case frame_type::accept:
    return read_accept(in);
  case frame_type::mark:
    return wire::read_mark(in);
  case frame_type::repair_root:
    return wire::read_repair_root(in);
  case frame_type::repair_equal:
    return wire::read_repair_equal(in);
  case frame_type::repair_ask:
    return wire::read_repair_ask(in);
  case frame_type::repair_hashes:
    return wire::read_repair_hashes(in);
  case frame_type::repair_leaves:
    return wire::read_repair_leaves(in);
  case frame_type::repair_entries:
    return wire::read_repair_entries(in);
  case frame_type::piece:
    return wire::read_piece(in);
  case frame_type::receipt:
    return wire::read_receipt(in);
  case frame_type::deferred:
    return malformed("a deferred change outside a stream");
  case frame_type::fetch:
    return wire::read_fetch(in);
  case frame_type::fetched:
    return wire::read_fetched(in);
  }
  return malformed("a frame of unknown type");
}

result<frame> decode_stream(std::string_view bytes) {
  reader in{bytes};
  switch (frame_type{in.number<std::uint8_t>()}) {
  case frame_type::deferred:
    return wire::read_deferred(in);
  case frame_type::repair_entries:
    return wire::read_repair_entries(in);
  case frame_type::repair_leaves:
    if (bytes.size() > repair_leaves_bytes_max)
      return malformed("a list of leaves is too large");
    return wire::read_repair_leaves(in);
  case frame_type::fetched:
    return wire::read_fetched(in);
  default:
    return malformed("a stream of a type that is never cut");
  }
}

} // namespace panal
