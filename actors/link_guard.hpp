#pragma once

namespace panal {

/// Holds a second descriptor of a link's socket, since CAF offers no way to
/// close a connection: destroying it shuts the socket down, and CAF notices.
class link_guard {
public:
  explicit link_guard(int fd) noexcept : fd_{fd} {}
  link_guard(link_guard&& other) noexcept;
  link_guard& operator=(link_guard&& other) noexcept;
  ~link_guard();

private:
  int fd_;
};

} // namespace panal
