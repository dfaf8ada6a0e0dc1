#pragma once

#include "http/hex.hpp"
#include "http/problem.hpp"
#include "http/time_format.hpp"
#include "storage/clock.hpp"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace panal::http {

/// Appends one object's members to a text, in the order of the calls; the text
/// outlives it.
class json_object {
public:
  explicit json_object(std::string& out) : out_{out} { out_ += '{'; }
  void close() { out_ += '}'; }

  /// What the caller appends next is the member's value.
  std::string& member(std::string_view name) {
    if (!std::exchange(first_, false))
      out_ += ',';
    append_quoted(out_, name);
    out_ += ':';
    return out_;
  }

  void text(std::string_view name, std::string_view value) {
    append_quoted(member(name), value);
  }

  void text_or_null(std::string_view name, std::string_view value) {
    value.empty() ? null(name) : text(name, value);
  }

  void null(std::string_view name) { member(name) += "null"; }

  template <class Integer>
  void number(std::string_view name, Integer n) {
    std::array<char, 20> room;
    const auto done = std::to_chars(room.data(), room.data() + room.size(), n);
    member(name).append(room.data(),
                        static_cast<std::size_t>(done.ptr - room.data()));
  }

  void hex(std::string_view name, std::uint64_t n) {
    auto& out = member(name);
    out += '"';
    append_hex(out, n);
    out += '"';
  }

  /// null too where the moment lies beyond what can be written.
  void moment(std::string_view name, std::optional<unix_ms> when) {
    if (!when || *when < 0 || *when > last_expiry)
      return null(name);
    auto& out = member(name);
    out += '"';
    append_timestamp(out, *when);
    out += '"';
  }

private:
  std::string& out_;
  bool first_ = true;
};

} // namespace panal::http
