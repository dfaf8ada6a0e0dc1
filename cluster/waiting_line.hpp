#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace panal {

/// Things that wait for a change to become durable, first come first served.
template <class T>
class waiting_line {
public:
  /// @param after  number of the change that must be durable first.
  void add(std::uint64_t after, T what) {
    line_.emplace_back(after, std::move(what));
  }

  /// Takes from the front all that waits for `durable` or less.
  std::vector<T> take_until(std::uint64_t durable) {
    std::vector<T> freed;
    while (!line_.empty() && line_.front().first <= durable) {
      freed.push_back(std::move(line_.front().second));
      line_.pop_front();
    }
    return freed;
  }

  std::vector<T> take_all() { return take_until(~std::uint64_t{0}); }

  bool empty() const noexcept { return line_.empty(); }

private:
  std::deque<std::pair<std::uint64_t, T>> line_;
};

} // namespace panal
