#include "cluster/frame_fetch.hpp"

#include "cluster/frame.hpp"
#include "cluster/frame_codec.hpp"

#include <utility>

namespace panal {

using wire::frame_type;
using wire::malformed;
using wire::reader;
using wire::writer;

namespace {

constexpr std::size_t key_bytes_min = 4;
constexpr std::size_t item_bytes_min = 4 + 4;

} // namespace

std::string encode(const fetch_frame& said) {
  writer w{frame_type::fetch};
  w.number(said.ticket);
  w.number(static_cast<std::uint16_t>(said.keys.size()));
  for (const auto key : said.keys)
    w.text<std::uint32_t>(key);
  return std::move(w.out);
}

std::string encode(const fetched_frame& said) {
  writer w{frame_type::fetched};
  std::size_t size = 1 + 4 + 8 + 2;
  for (const auto& item : said.items)
    size += 4 + item.key.size() + 4 + item.entry.size();
  w.out.reserve(size);
  w.number(said.ticket);
  w.number(said.line);
  w.number(static_cast<std::uint16_t>(said.items.size()));
  for (const auto& item : said.items) {
    w.text<std::uint32_t>(item.key);
    w.text<std::uint32_t>(item.entry);
  }
  return std::move(w.out);
}

result<frame> wire::read_fetch(reader& in) {
  fetch_frame said;
  said.ticket = in.number<std::uint32_t>();
  const auto count = in.number<std::uint16_t>();
  if (count == 0 || count > fetch_keys_max || !in.holds(count, key_bytes_min))
    return malformed("a fetch of no keys or too many");
  for (unsigned i = 0; i < count && !in.failed(); ++i)
    said.keys.push_back(in.text<std::uint32_t>());
  return whole(in, std::move(said));
}

result<frame> wire::read_fetched(reader& in) {
  fetched_frame said;
  said.ticket = in.number<std::uint32_t>();
  said.line = in.number<std::uint64_t>();
  const auto count = in.number<std::uint16_t>();
  if (count > fetch_keys_max || !in.holds(count, item_bytes_min))
    return malformed("a frame of too many fetched keys");
  for (unsigned i = 0; i < count && !in.failed(); ++i) {
    const auto key = in.text<std::uint32_t>();
    said.items.push_back({key, in.text<std::uint32_t>()});
  }
  return whole(in, std::move(said));
}

} // namespace panal
