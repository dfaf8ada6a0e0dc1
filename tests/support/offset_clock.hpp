#pragma once

// A clock that a test can set wrong while the node runs. Only the program
// panal_test_node has it; the shipped one knows nothing but the system's.

#include "storage/clock.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

namespace panal::test {

/// Names the file that holds the offset: 8 bytes, a signed number of
/// milliseconds in the machine's byte order. (Every PANAL_ variable would have
/// to be an option.)
inline constexpr const char* clock_file_variable = "TEST_CLOCK_FILE";

/// A clock's offset in a file that several processes map. Thread-safe.
class clock_offset {
public:
  /// Maps the file, which is made if there is none. Throws std::runtime_error.
  explicit clock_offset(const std::string& path) {
    auto fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void* mapped = MAP_FAILED;
    if (fd >= 0 && ::ftruncate(fd, sizeof *at_) == 0)
      mapped = ::mmap(nullptr, sizeof *at_, PROT_READ | PROT_WRITE, MAP_SHARED,
                      fd, 0);
    if (fd >= 0)
      ::close(fd);
    if (mapped == MAP_FAILED)
      throw std::runtime_error{"no clock file " + path};
    at_ = static_cast<std::int64_t*>(mapped);
  }
  clock_offset(const clock_offset&) = delete;
  clock_offset& operator=(const clock_offset&) = delete;
  ~clock_offset() { ::munmap(at_, sizeof *at_); }

  void set(std::int64_t ms) const noexcept { std::atomic_ref{*at_}.store(ms); }
  std::int64_t get() const noexcept { return std::atomic_ref{*at_}.load(); }

private:
  std::int64_t* at_ = nullptr;
};

/// The machine's clock plus what the file says just now.
class offset_clock final : public clock {
public:
  offset_clock() {
    if (const auto* path = std::getenv(clock_file_variable))
      offset_.emplace(path);
  }
  unix_ms now() const noexcept override {
    return behind_.now() + (offset_ ? offset_->get() : 0);
  }

private:
  system_clock behind_;
  std::optional<clock_offset> offset_;
};

} // namespace panal::test
