#include "cluster/frame_repair.hpp"

#include "cluster/frame.hpp"
#include "cluster/frame_codec.hpp"

#include <utility>

namespace panal {

using wire::frame_type;
using wire::malformed;
using wire::reader;
using wire::writer;

namespace {

constexpr std::size_t leaf_bytes_min = 4 + 4;
constexpr std::size_t item_bytes = 4 + 8;
/// No key and no entry is empty.
constexpr std::size_t entry_bytes_min = 4 + 4 + 1;

/// False if these are not items.
bool read_items(reader& in, std::vector<repair_item>& items) {
  const auto count = in.number<std::uint32_t>();
  if (!in.holds(count, item_bytes))
    return false;
  items.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    auto& item = items.emplace_back();
    item.key = in.number<std::uint32_t>();
    item.entry = in.number<std::uint64_t>();
  }
  return true;
}

} // namespace

std::string encode(const repair_root_frame& said) {
  writer w{frame_type::repair_root};
  w.number(said.round);
  w.number(said.root);
  return std::move(w.out);
}

std::string encode(const repair_equal_frame& said) {
  writer w{frame_type::repair_equal};
  w.number(said.round);
  return std::move(w.out);
}

std::string encode(const repair_ask_frame& said) {
  writer w{frame_type::repair_ask};
  w.number(said.round);
  w.number(said.level);
  w.number(static_cast<std::uint16_t>(said.nodes.size()));
  for (const auto node : said.nodes)
    w.number(node);
  return std::move(w.out);
}

std::string encode(const repair_hashes_frame& said) {
  writer w{frame_type::repair_hashes};
  w.out.reserve(1 + 4 + 1 + 2 + said.hashes.size() * 8);
  w.number(said.round);
  w.number(said.level);
  w.number(static_cast<std::uint16_t>(said.hashes.size()));
  for (const auto hash : said.hashes)
    w.number(hash);
  return std::move(w.out);
}

std::string encode(const repair_leaves_frame& said) {
  writer w{frame_type::repair_leaves};
  w.number(said.round);
  w.number(static_cast<std::uint8_t>(said.reply_wanted));
  w.number(said.line);
  w.number(static_cast<std::uint16_t>(said.leaves.size()));
  for (const auto& leaf : said.leaves) {
    w.number(leaf.leaf);
    w.number(static_cast<std::uint32_t>(leaf.items.size()));
    for (const auto& item : leaf.items) {
      w.number(item.key);
      w.number(item.entry);
    }
  }
  return std::move(w.out);
}

std::string encode(const repair_entries_frame& said) {
  writer w{frame_type::repair_entries};
  std::size_t size = 1 + 8 + 4;
  for (const auto& item : said.items)
    size += 4 + item.key.size() + 4 + item.entry.size();
  w.out.reserve(size);
  w.number(said.line);
  w.number(static_cast<std::uint32_t>(said.items.size()));
  for (const auto& item : said.items) {
    w.text<std::uint32_t>(item.key);
    w.text<std::uint32_t>(item.entry);
  }
  return std::move(w.out);
}

result<frame> wire::read_repair_root(reader& in) {
  repair_root_frame said;
  said.round = in.number<std::uint32_t>();
  said.root = in.number<std::uint64_t>();
  return whole(in, said);
}

result<frame> wire::read_repair_equal(reader& in) {
  return whole(in, repair_equal_frame{in.number<std::uint32_t>()});
}

result<frame> wire::read_repair_ask(reader& in) {
  repair_ask_frame said;
  said.round = in.number<std::uint32_t>();
  said.level = in.number<std::uint8_t>();
  const auto count = in.number<std::uint16_t>();
  if (said.level > repair_levels)
    return malformed("a digest tree has no such level");
  if (count == 0 || count > repair_nodes_max || !in.holds(count, 4))
    return malformed("an ask about no nodes or too many");
  said.nodes.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    const auto node = in.number<std::uint32_t>();
    if (i > 0 && node <= said.nodes.back())
      return malformed("nodes out of order");
    said.nodes.push_back(node);
  }
  return whole(in, std::move(said));
}

result<frame> wire::read_repair_hashes(reader& in) {
  repair_hashes_frame said;
  said.round = in.number<std::uint32_t>();
  said.level = in.number<std::uint8_t>();
  const auto count = in.number<std::uint16_t>();
  if (said.level > repair_levels)
    return malformed("a digest tree has no such level");
  if (!in.holds(count, 8))
    return malformed("a frame announces more hashes than it holds");
  said.hashes.reserve(count);
  for (unsigned i = 0; i < count; ++i)
    said.hashes.push_back(in.number<std::uint64_t>());
  return whole(in, std::move(said));
}

result<frame> wire::read_repair_leaves(reader& in) {
  repair_leaves_frame said;
  said.round = in.number<std::uint32_t>();
  const auto reply_wanted = in.number<std::uint8_t>();
  if (reply_wanted > 1)
    return malformed("a reply is neither wanted nor not");
  said.reply_wanted = reply_wanted == 1;
  said.line = in.number<std::uint64_t>();
  const auto count = in.number<std::uint16_t>();
  if (count == 0 || count > repair_nodes_max
      || !in.holds(count, leaf_bytes_min))
    return malformed("a list of no leaves or too many");
  said.leaves.reserve(count);
  for (unsigned i = 0; i < count; ++i) {
    repair_leaf next;
    next.leaf = in.number<std::uint32_t>();
    if (i > 0 && next.leaf <= said.leaves.back().leaf)
      return malformed("leaves out of order");
    if (!read_items(in, next.items))
      return malformed("a leaf announces more than it holds");
    said.leaves.push_back(std::move(next));
  }
  return whole(in, std::move(said));
}

result<frame> wire::read_repair_entries(reader& in) {
  repair_entries_frame said;
  said.line = in.number<std::uint64_t>();
  const auto count = in.number<std::uint32_t>();
  if (count == 0 || !in.holds(count, entry_bytes_min))
    return malformed("a frame of no entries, or that announces too many");
  said.items.reserve(count);
  for (unsigned i = 0; i < count && !in.failed(); ++i) {
    const auto key = in.text<std::uint32_t>();
    const auto entry = in.text<std::uint32_t>();
    if (entry.empty())
      return malformed("an entry without its state");
    said.items.push_back({key, entry});
  }
  return whole(in, std::move(said));
}

} // namespace panal
