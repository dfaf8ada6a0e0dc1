// cluster/frame: bytes that read as a frame are what that frame is written
// as, so nothing is read that was not said.

#include "cluster/frame.hpp"

#include "fuzz/input.hpp"

using namespace panal;

namespace {

template <class Frame>
std::string write_again(const Frame& said) {
  return encode(said);
}

std::string write_again(const changes_frame& said) {
  std::vector<change> changes;
  changes.reserve(said.items.size());
  for (const auto& item : said.items) {
    PANAL_HOLDS(!item.entry.empty()); // the key may be: the cleared floor's
    auto& what = changes.emplace_back();
    what.key = item.key;
    what.entry = item.entry;
  }
  std::vector<const change*> sent;
  sent.reserve(changes.size());
  for (const auto& what : changes)
    sent.push_back(&what);
  return encode_changes(said.acknowledged, said.after, said.upto, sent,
                        said.first_stream, said.streams);
}

template <class Frame>
void check_kind(const Frame&, bool) {
  // Of the others nothing is known here.
}

void check_kind(const heartbeat_frame&, bool is_link) {
  PANAL_HOLDS(!is_link);
}

void check_kind(const members_frame& said, bool is_link) {
  PANAL_HOLDS(is_link);
  PANAL_HOLDS(said.known.size() <= frame_members_max);
}

void check_kind(const changes_frame& said, bool is_link) {
  PANAL_HOLDS(!is_link);
  PANAL_HOLDS(said.acknowledged <= said.after && said.after <= said.upto);
}

void check_kind(const ack_frame& said, bool is_link) {
  PANAL_HOLDS(!is_link);
  PANAL_HOLDS(said.upto <= said.settled);
}

void check_kind(const piece_frame& said, bool is_link) {
  PANAL_HOLDS(!is_link);
  PANAL_HOLDS(!said.bytes.empty() && said.bytes.size() <= piece_bytes_max);
  PANAL_HOLDS(said.offset < said.total
              && said.bytes.size() <= said.total - said.offset);
}

/// What is no frame may be a stream's content.
void check_stream(std::string_view bytes) {
  const auto read = decode_stream(bytes);
  if (!read)
    return;
  std::visit([&](const auto& said) { PANAL_HOLDS(write_again(said) == bytes); },
             *read);
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = fuzz::input{data, size}.rest();
  const auto is_link = is_link_frame(bytes);
  check_stream(bytes);
  const auto read = decode_frame(bytes);
  if (!read)
    return 0;
  std::visit(
      [&](const auto& said) {
        PANAL_HOLDS(write_again(said) == bytes);
        PANAL_HOLDS(bytes.size()
                    <= frame_limit(static_cast<std::uint8_t>(bytes.front())));
        check_kind(said, is_link);
      },
      *read);
  return 0;
}
