#pragma once

// What RapidJSON reads. It refuses numbers that no double can hold (1E400),
// whatever its flags, but such numbers are JSON and are kept as they came. So
// numbers are checked here, by the grammar alone, and the reader is shown a
// single 0 for each.

#include <cstddef>
#include <string_view>

namespace panal::http {

/// How many bytes at the front of `text` are one number (RFC 8259, section
/// 6), as many as can be; 0: none are.
std::size_t number_bytes(std::string_view text) noexcept;

/// A text as RapidJSON's reader gets it (its input stream concept).
class number_hiding_stream {
public:
  using Ch = char;

  explicit number_hiding_stream(std::string_view text) : text_{text} {}

  Ch Peek() const noexcept {
    if (at_ >= text_.size())
      return '\0';
    return starts_number() ? '0' : text_[at_];
  }

  Ch Take() noexcept {
    if (at_ >= text_.size())
      return '\0';
    if (starts_number())
      return take_number();
    const char c = text_[at_++];
    if (!in_string_)
      in_string_ = c == '"';
    else if (escaped_)
      escaped_ = false;
    else if (c == '\\')
      escaped_ = true;
    else
      in_string_ = c != '"';
    return c;
  }

  std::size_t Tell() const noexcept { return at_; }

  // The output half of RapidJSON's stream concept; never used for reading.
  Ch* PutBegin() noexcept { return nullptr; }
  void Put(Ch) noexcept {}
  void Flush() noexcept {}
  std::size_t PutEnd(Ch*) noexcept { return 0; }

  /// True when all of the text was read and every number was one: the reader
  /// takes a NUL for the text's end.
  bool whole() const noexcept { return !broken_ && at_ == text_.size(); }
  /// The whole text.
  std::string_view text() const noexcept { return text_; }

private:
  bool starts_number() const noexcept {
    const char c = text_[at_];
    return !in_string_ && ((c >= '0' && c <= '9') || c == '-');
  }

  bool continues_number(std::size_t at) const noexcept {
    return at < text_.size()
           && (text_[at] == '.' || text_[at] == 'e' || text_[at] == 'E');
  }

  Ch take_number() noexcept {
    const auto n = number_bytes(text_.substr(at_));
    // The reader must not go on with the 0 that it gets: 1.2.3 is no number.
    if (n == 0 || continues_number(at_ + n)) {
      broken_ = true;
      at_ = text_.size();
    }
    at_ += n;
    return '0';
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool broken_ = false;
};

} // namespace panal::http
