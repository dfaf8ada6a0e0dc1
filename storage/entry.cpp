#include "storage/entry.hpp"

#include "storage/mutant.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <span>
#include <tuple>

namespace panal {

namespace {

constexpr std::uint8_t format_number = 1;
constexpr std::uint8_t has_floor_bit = 0x80;
constexpr std::uint8_t stripped_bit = 0x01;
constexpr std::size_t put_header_bytes = 1 + 8 + 8 + 8 + 8 + 4;

// The encoding is little-endian, and so are the machines Panal runs on.
static_assert(std::endian::native == std::endian::little);

template <class T>
void append_number(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

/// Reads numbers off the front of a text; past its end it reads zeros and
/// remembers that.
class reader {
public:
  explicit reader(std::string_view bytes) : left_{bytes} {}

  template <class T>
  T number() noexcept {
    T value{};
    if (left_.size() < sizeof value) {
      failed_ = true;
      left_ = {};
      return value;
    }
    std::memcpy(&value, left_.data(), sizeof value);
    left_.remove_prefix(sizeof value);
    return value;
  }

  std::string_view bytes(std::size_t count) noexcept {
    if (left_.size() < count) {
      failed_ = true;
      count = left_.size();
    }
    const auto taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }

  stamp read_stamp() noexcept {
    stamp at;
    at.hlc = number<std::uint64_t>();
    at.origin = number<std::uint64_t>();
    return at;
  }

  bool failed() const noexcept { return failed_; }
  bool at_end() const noexcept { return left_.empty(); }
  std::string_view rest() const noexcept { return left_; }

private:
  std::string_view left_;
  bool failed_ = false;
};

/// A total order, greatest (version, stamp) first. What follows the stamp
/// tells apart only records of one put: a stripped one wins over a whole one,
/// so that replicas agree whatever order they meet in; the rest keeps merge()
/// commutative even for a peer that issues one stamp twice.
bool greater(const put_record& a, const put_record& b) noexcept {
  if (PANAL_MUTANT(wrong_tie_break))
    return a.version > b.version; // as they come
  return std::tie(a.version, a.at, a.stripped, a.expires_at, a.value)
         > std::tie(b.version, b.at, b.stripped, b.expires_at, b.value);
}

void append_stamp(std::string& out, const stamp& at) {
  append_number(out, at.hlc);
  append_number(out, at.origin);
}

void append_put(std::string& out, const put_record& put) {
  append_number(out,
                std::uint8_t{put.stripped ? stripped_bit : std::uint8_t{0}});
  append_number(out, put.version);
  append_stamp(out, put.at);
  append_number(out, put.expires_at);
  append_number(out, static_cast<std::uint32_t>(put.value.size()));
  out += put.value;
}

/// Nothing when the flags say more than is known here.
std::optional<put_record> read_put(reader& in) {
  put_record put;
  const auto flags = in.number<std::uint8_t>();
  if ((flags & ~stripped_bit) != 0)
    return std::nullopt;
  put.stripped = (flags & stripped_bit) != 0;
  put.version = in.number<std::int64_t>();
  put.at = in.read_stamp();
  put.expires_at = in.number<std::int64_t>();
  const auto size = in.number<std::uint32_t>();
  put.value = in.bytes(size);
  return put;
}

/// Keeps of puts in descending order those that nothing dominates. A put is
/// dominated by an earlier one exactly if its stamp is not above all of the
/// earlier ones' stamps. Of more than an encoding can count, which takes a peer
/// that makes them up, the greatest are kept.
std::vector<put_record> non_dominated(std::vector<put_record> sorted) {
  std::vector<put_record> kept;
  for (auto& put : sorted) {
    if (kept.size() == frontier_max)
      break;
    if (kept.empty() || put.at > kept.back().at)
      kept.push_back(std::move(put));
  }
  return kept;
}

std::string encode_puts(const stamp& floor, std::span<const put_record> puts) {
  const bool has_floor = floor != stamp{};
  std::size_t size = 2 + (has_floor ? 16U : 0U);
  for (const auto& put : puts)
    size += put_header_bytes + put.value.size();
  std::string out;
  out.reserve(size);
  append_number(out, static_cast<std::uint8_t>(
                         format_number | (has_floor ? has_floor_bit : 0)));
  append_number(out, static_cast<std::uint8_t>(puts.size()));
  if (has_floor)
    append_stamp(out, floor);
  for (const auto& put : puts)
    append_put(out, put);
  return out;
}

} // namespace

bool dominates(const put_record& a, const put_record& b) noexcept {
  return a.version >= b.version && a.at >= b.at;
}

stamp newest_stamp(const entry& state) noexcept {
  auto newest = state.floor;
  for (const auto& put : state.frontier)
    newest = std::max(newest, put.at);
  return newest;
}

entry merge(const entry& a, const entry& b, const stamp& cleared) {
  entry joined;
  joined.floor = std::max(a.floor, b.floor);
  const auto line = PANAL_MUTANT(tombstone_beats_nothing)
                        ? cleared
                        : std::max(joined.floor, cleared);
  std::vector<put_record> puts;
  puts.reserve(a.frontier.size() + b.frontier.size());
  const auto survives = [&line](const put_record& p) { return p.at > line; };
  std::copy_if(a.frontier.begin(), a.frontier.end(), std::back_inserter(puts),
               survives);
  std::copy_if(b.frontier.begin(), b.frontier.end(), std::back_inserter(puts),
               survives);
  std::sort(puts.begin(), puts.end(), greater);
  joined.frontier = non_dominated(std::move(puts));
  return joined;
}

std::string encode(const entry& state) {
  return encode_puts(state.floor, state.frontier);
}

std::string encode(const stamp& floor, const put_record& put) {
  return encode_puts(floor, {&put, 1});
}

stamp floor_of(std::string_view encoded) noexcept {
  reader in{encoded};
  const auto format = in.number<std::uint8_t>();
  in.number<std::uint8_t>();
  return (format & has_floor_bit) != 0 ? in.read_stamp() : stamp{};
}

stamp newest_stamp(std::string_view encoded) noexcept {
  auto newest = floor_of(encoded);
  put_headers puts{encoded};
  for (put_header put; puts.next(put);)
    newest = std::max(newest, put.at);
  return newest;
}

put_headers::put_headers(std::string_view encoded) noexcept {
  reader in{encoded};
  const auto format = in.number<std::uint8_t>();
  left_ = in.number<std::uint8_t>();
  if ((format & has_floor_bit) != 0)
    in.read_stamp();
  rest_ = in.rest();
}

bool put_headers::next(put_header& put) noexcept {
  if (left_ == 0)
    return false;
  reader in{rest_};
  put.stripped = (in.number<std::uint8_t>() & stripped_bit) != 0;
  put.version = in.number<std::int64_t>();
  put.at = in.read_stamp();
  put.expires_at = in.number<std::int64_t>();
  in.bytes(in.number<std::uint32_t>());
  rest_ = in.rest();
  left_ = in.failed() ? 0 : left_ - 1;
  return !in.failed();
}

result<entry> decode(std::string_view bytes) {
  reader in{bytes};
  const auto format = in.number<std::uint8_t>();
  if ((format & ~has_floor_bit) != format_number)
    return error{errc::corrupt, "unknown format of an entry"};
  entry state;
  const auto puts = in.number<std::uint8_t>();
  if ((format & has_floor_bit) != 0)
    state.floor = in.read_stamp();
  for (unsigned i = 0; i < puts && !in.failed(); ++i) {
    auto put = read_put(in);
    if (!put)
      return error{errc::corrupt, "a put has unknown flags"};
    state.frontier.push_back(std::move(*put));
  }
  if (in.failed() || !in.at_end())
    return error{errc::corrupt, "an entry has the wrong length"};
  // What is not in normal form would compare unequal to its equal.
  const bool spare_floor =
      (format & has_floor_bit) != 0 && state.floor == stamp{};
  if (spare_floor || merge(state, {}) != state)
    return error{errc::corrupt, "an entry is not in normal form"};
  return state;
}

// An expiry is a delete at its time: a put that stands below the expired one
// and was stamped before that time is hidden with it for good; one that was
// stamped later, by a node that had dropped the expired put or never heard of
// it, lives.
winner_view winner(std::string_view encoded, unix_ms now) noexcept {
  winner_view view;
  reader in{encoded};
  const auto format = in.number<std::uint8_t>();
  const auto puts = in.number<std::uint8_t>();
  if ((format & has_floor_bit) != 0)
    in.read_stamp();
  std::uint64_t hidden_below = 0;
  for (unsigned i = 0; i < puts; ++i) {
    winner_view put;
    const bool stripped = (in.number<std::uint8_t>() & stripped_bit) != 0;
    put.version = in.number<std::int64_t>();
    put.at = in.read_stamp();
    put.expires_at = in.number<std::int64_t>();
    const auto size = in.number<std::uint32_t>();
    put.value = in.bytes(size);
    const bool expired =
        stripped || (now >= put.expires_at && !PANAL_MUTANT(expiry_ignored));
    if (put.at.hlc >= hidden_below && !expired) {
      put.state = presence::present;
      put.over_expired = i > 0;
      return put;
    }
    put.state = presence::expired;
    put.over_expired = true;
    if (i == 0)
      view = put;
    if (expired)
      hidden_below = std::max(hidden_below, expiry_hlc(put.expires_at));
  }
  return view;
}

std::uint64_t expiry_hlc(unix_ms expires_at) noexcept {
  return expires_at == never ? 0 : hlc_at(expires_at);
}

} // namespace panal
