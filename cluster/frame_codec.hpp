#pragma once

// The bytes under cluster/frame.hpp: what each type of frame is called on the
// wire, and how numbers and texts are written and read.

#include "cluster/frame.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace panal::wire {

static_assert(std::endian::native == std::endian::little);

// On the wire: do not renumber.
enum class frame_type : std::uint8_t {
  heartbeat = 1,
  members = 2,
  changes = 3,
  ack = 4,
  greeting = 5,
  accept = 6,
  mark = 7,
  repair_root = 8,
  repair_equal = 9,
  repair_ask = 10,
  repair_hashes = 11,
  repair_leaves = 12,
  repair_entries = 13,
  piece = 14,
  deferred = 15,
  receipt = 16,
  fetch = 20,
  fetched = 21,
};

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

  /// All that is left.
  std::string_view rest() { return take(left_.size()); }

  /// True if `count` items of at least `bytes_min` each can still follow: to
  /// be asked before anything is reserved for them.
  bool holds(std::size_t count, std::size_t bytes_min) const noexcept {
    return count <= left_.size() / bytes_min;
  }

  bool failed() const noexcept { return failed_; }
  bool is_complete() const noexcept { return !failed_ && left_.empty(); }

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

inline error malformed(const char* what) {
  return {errc::corrupt, what};
}

/// What was read, if nothing is missing and nothing is left.
template <class Frame>
result<frame> whole(const reader& in, Frame&& said) {
  if (!in.is_complete())
    return malformed("a frame has the wrong length");
  return frame{std::forward<Frame>(said)};
}

// Each reads what follows the type.
result<frame> read_members(reader& in);
result<frame> read_changes(reader& in);
result<frame> read_greeting(reader& in);
result<frame> read_mark(reader& in);
result<frame> read_repair_root(reader& in);
result<frame> read_repair_equal(reader& in);
result<frame> read_repair_ask(reader& in);
result<frame> read_repair_hashes(reader& in);
result<frame> read_repair_leaves(reader& in);
result<frame> read_repair_entries(reader& in);
result<frame> read_piece(reader& in);
result<frame> read_deferred(reader& in);
result<frame> read_receipt(reader& in);
result<frame> read_fetch(reader& in);
result<frame> read_fetched(reader& in);

} // namespace panal::wire
