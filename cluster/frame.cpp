#include "cluster/frame.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

namespace panal {

namespace {

static_assert(std::endian::native == std::endian::little);

// On the wire: do not renumber.
enum class frame_type : std::uint8_t {
  heartbeat = 1,
  members = 2,
  changes = 3,
  ack = 4,
};

/// No key and no entry is empty, so an item takes at least this.
constexpr std::size_t item_bytes_min = 4 + 1 + 4 + 1;

class writer {
public:
  explicit writer(frame_type type) { number(static_cast<std::uint8_t>(type)); }

  template <class T>
  void number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
  }

  template <class Size>
  void text(std::string_view value) {
    number(static_cast<Size>(value.size()));
    out += value;
  }

  std::string out;
};

/// Reads off the front; past the end it gives zeros and has failed.
class reader {
public:
  explicit reader(std::string_view bytes) : left_{bytes} {}

  template <class T>
  T number() {
    T value{};
    const auto bytes = take(sizeof value);
    if (bytes.size() == sizeof value)
      std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  template <class Size>
  std::string_view text() {
    return take(number<Size>());
  }

  std::size_t left() const { return left_.size(); }
  bool failed() const { return failed_; }
  bool is_complete() const { return !failed_ && left_.empty(); }

private:
  std::string_view take(std::size_t count) {
    if (left_.size() < count) {
      failed_ = true;
      left_ = {};
      return {};
    }
    const auto taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }

  std::string_view left_;
  bool failed_ = false;
};

error malformed(const char* what) {
  return {errc::corrupt, what};
}

result<frame> read_members(reader& in) {
  members_frame said;
  const auto count = in.number<std::uint16_t>();
  if (count > frame_members_max)
    return malformed("a frame names too many members");
  for (unsigned i = 0; i < count && !in.failed(); ++i) {
    member who;
    who.origin = in.number<std::uint64_t>();
    who.name = in.text<std::uint16_t>();
    who.address = in.text<std::uint16_t>();
    said.known.push_back(std::move(who));
  }
  if (!in.is_complete())
    return malformed("a members frame has the wrong length");
  return frame{std::move(said)};
}

result<frame> read_changes(reader& in) {
  changes_frame said;
  said.acknowledged = in.number<std::uint64_t>();
  said.after = in.number<std::uint64_t>();
  said.upto = in.number<std::uint64_t>();
  const auto count = in.number<std::uint32_t>();
  if (said.upto < said.after || said.after < said.acknowledged)
    return malformed("a changes frame runs backwards");
  if (count > in.left() / item_bytes_min)
    return malformed("a changes frame announces more than it holds");
  said.items.reserve(count);
  for (unsigned i = 0; i < count && !in.failed(); ++i) {
    const auto key = in.text<std::uint32_t>();
    const auto entry = in.text<std::uint32_t>();
    if (key.empty() || entry.empty())
      return malformed("a change without key or entry");
    said.items.push_back({key, entry});
  }
  if (!in.is_complete())
    return malformed("a changes frame has the wrong length");
  return frame{std::move(said)};
}

} // namespace

std::string encode(const heartbeat_frame& said) {
  writer w{frame_type::heartbeat};
  w.number(said.sent_at);
  w.number(said.last);
  return std::move(w.out);
}

std::string encode(const members_frame& said) {
  writer w{frame_type::members};
  w.number(static_cast<std::uint16_t>(said.known.size()));
  for (const auto& who : said.known) {
    w.number(who.origin);
    w.text<std::uint16_t>(who.name);
    w.text<std::uint16_t>(who.address);
  }
  return std::move(w.out);
}

std::string encode(const ack_frame& said) {
  writer w{frame_type::ack};
  w.number(said.upto);
  return std::move(w.out);
}

std::string encode_changes(position acknowledged, position after, position upto,
                           std::span<const change* const> sent) {
  writer w{frame_type::changes};
  std::size_t size = 1 + 8 + 8 + 8 + 4;
  for (const auto* what : sent)
    size += 4 + what->key.size() + 4 + what->entry.size();
  w.out.reserve(size);
  w.number(acknowledged);
  w.number(after);
  w.number(upto);
  w.number(static_cast<std::uint32_t>(sent.size()));
  for (const auto* what : sent) {
    w.text<std::uint32_t>(what->key);
    w.text<std::uint32_t>(what->entry);
  }
  return std::move(w.out);
}

bool is_link_frame(std::string_view bytes) noexcept {
  if (bytes.empty())
    return false;
  const auto type = frame_type{static_cast<std::uint8_t>(bytes.front())};
  return type == frame_type::heartbeat || type == frame_type::members;
}

result<frame> decode_frame(std::string_view bytes) {
  if (bytes.size() > frame_bytes_max)
    return malformed("a frame is too large");
  reader in{bytes};
  switch (frame_type{in.number<std::uint8_t>()}) {
  case frame_type::heartbeat: {
    const auto sent_at = in.number<unix_ms>();
    const auto last = in.number<position>();
    if (!in.is_complete())
      return malformed("a heartbeat has the wrong length");
    return frame{heartbeat_frame{sent_at, last}};
  }
  case frame_type::members:
    return read_members(in);
  case frame_type::changes:
    return read_changes(in);
  case frame_type::ack: {
    const auto upto = in.number<position>();
    if (!in.is_complete())
      return malformed("an ack has the wrong length");
    return frame{ack_frame{upto}};
  }
  }
  return malformed("a frame of unknown type");
}

} // namespace panal
