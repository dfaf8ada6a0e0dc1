#include "cluster/frame_piece.hpp"

#include "cluster/frame.hpp"
#include "cluster/frame_codec.hpp"

#include <utility>

namespace panal {

using wire::frame_type;
using wire::malformed;
using wire::reader;
using wire::writer;

std::string encode(const piece_frame& said) {
  writer w{frame_type::piece};
  w.out.reserve(1 + 4 + 8 + 8 + said.bytes.size());
  w.number(said.stream);
  w.number(said.total);
  w.number(said.offset);
  w.out += said.bytes;
  return std::move(w.out);
}

std::string encode(const deferred_frame& said) {
  writer w{frame_type::deferred};
  w.out.reserve(1 + 4 + said.key.size() + 4 + said.entry.size());
  w.text<std::uint32_t>(said.key);
  w.text<std::uint32_t>(said.entry);
  return std::move(w.out);
}

std::string encode(const receipt_frame& said) {
  writer w{frame_type::receipt};
  w.number(said.sent);
  w.number(said.received);
  return std::move(w.out);
}

result<frame> wire::read_piece(reader& in) {
  piece_frame said;
  said.stream = in.number<std::uint32_t>();
  said.total = in.number<std::uint64_t>();
  said.offset = in.number<std::uint64_t>();
  said.bytes = in.rest();
  if (in.failed() || said.bytes.empty() || said.bytes.size() > piece_bytes_max)
    return malformed("a piece of no bytes or too many");
  if (said.stream == 0 || said.offset > said.total
      || said.bytes.size() > said.total - said.offset)
    return malformed("a piece reaches past its stream");
  return whole(in, said);
}

result<frame> wire::read_deferred(reader& in) {
  deferred_frame said;
  said.key = in.text<std::uint32_t>();
  said.entry = in.text<std::uint32_t>();
  if (said.entry.empty())
    return malformed("a change without its entry");
  return whole(in, said);
}

result<frame> wire::read_receipt(reader& in) {
  receipt_frame said;
  said.sent = in.number<std::uint64_t>();
  said.received = in.number<std::uint64_t>();
  return whole(in, said);
}

} // namespace panal
