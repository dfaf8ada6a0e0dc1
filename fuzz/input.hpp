#pragma once

// What the fuzzing targets share: taking the fuzzer's bytes apart, and ending
// the process where a property does not hold.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace panal::fuzz {

/// The fuzzer's bytes. Small choices are taken off their end, so that what
/// stands before is plain input, which seeds and dictionaries fit.
class input {
public:
  input(const std::uint8_t* data, std::size_t size)
      // The fuzzer gives bytes, the code under test reads text.
      : left_{reinterpret_cast<const char*>(data), size} {}

  /// The last byte; 0 when none is left.
  std::uint8_t byte() noexcept {
    if (left_.empty())
      return 0;
    const auto last = static_cast<std::uint8_t>(left_.back());
    left_.remove_suffix(1);
    return last;
  }

  /// The first `size` bytes, or as many as are left.
  std::string_view take(std::size_t size) noexcept {
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(taken.size());
    return taken;
  }

  /// All that is left.
  std::string_view rest() const noexcept { return left_; }

private:
  std::string_view left_;
};

[[noreturn]] inline void give_up(const char* what, const char* file,
                                 int line) noexcept {
  std::fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  std::abort();
}

} // namespace panal::fuzz

/// Ends the process where `property` does not hold: the fuzzer keeps the input.
#define PANAL_HOLDS(property)                                                  \
  ((property) ? void(0) : ::panal::fuzz::give_up(#property, __FILE__, __LINE__))

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);
