#pragma once

// Questions that go to all shards of a node at once, and whose parts of an
// answer are gathered until the last one has come. A round that is not
// complete by its deadline is given up: nobody waits for ever for a part that
// was dropped.

#include "cluster/outbound.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace panal {

/// The rounds that are open. Not thread-safe; owned by whoever asks.
/// @tparam Sum  what the parts add up to.
template <class Sum>
class rounds {
public:
  /// @param open_max  rounds that are open at once; of more, the oldest is
  ///                  given up.
  explicit rounds(std::size_t open_max) : open_max_{open_max} {}

  /// Opens a round.
  /// @param token  names it; above all earlier ones.
  /// @param parts  how many have to come, at least 1.
  /// @return the sum of a round that had to be given up for it.
  std::optional<Sum> begin(std::uint64_t token, std::size_t parts,
                           steady_time deadline, Sum start = {}) {
    std::optional<Sum> given_up;
    if (open_.size() >= open_max_)
      given_up = take(open_.begin());
    open_.insert_or_assign(token, round{parts, deadline, std::move(start)});
    return given_up;
  }

  /// The sum that a part is to be added to; null if nobody waits for it.
  Sum* find(std::uint64_t token) {
    const auto i = open_.find(token);
    return i == open_.end() ? nullptr : &i->second.sum;
  }

  /// A part has been added. @return the sum, if it was the last part.
  std::optional<Sum> part_came(std::uint64_t token) {
    const auto i = open_.find(token);
    if (i == open_.end() || --i->second.parts_left > 0)
      return std::nullopt;
    return take(i);
  }

  /// Gives up the rounds whose deadline has passed. @return their sums.
  std::vector<Sum> give_up(steady_time now) {
    std::vector<Sum> late;
    for (auto i = open_.begin(); i != open_.end();) {
      const auto at = i++;
      if (at->second.deadline <= now)
        late.push_back(take(at));
    }
    return late;
  }

  std::size_t open() const noexcept { return open_.size(); }

private:
  struct round {
    std::size_t parts_left = 0;
    steady_time deadline{};
    Sum sum;
  };

  Sum take(typename std::map<std::uint64_t, round>::iterator i) {
    auto sum = std::move(i->second.sum);
    open_.erase(i);
    return sum;
  }

  std::size_t open_max_;
  std::map<std::uint64_t, round> open_;
};

} // namespace panal
