#include "tests/simulator/world.hpp"

#include <algorithm>

namespace panal::sim {

life_id world::begin_life() {
  lives_.emplace_back();
  return static_cast<life_id>(lives_.size() - 1);
}

void world::pause(life_id who, sim_time until) noexcept {
  auto& paused = lives_[who].paused_until;
  paused = std::max(paused, until);
}

void world::push(sim_time when, life_id who, std::unique_ptr<task> what) {
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<std::uint32_t>(tasks_.size());
    tasks_.push_back(std::move(what));
  } else {
    slot = free_.back();
    free_.pop_back();
    tasks_[slot] = std::move(what);
  }
  queue({std::max(when, now_), ++number_, slot, who});
}

void world::queue(const entry& next) {
  heap_.push_back(next);
  std::push_heap(heap_.begin(), heap_.end(), later);
}

// A paused life's events keep their numbers, and so their order.
bool world::step(sim_time until) {
  while (!heap_.empty() && heap_.front().when <= until) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    auto next = heap_.back();
    heap_.pop_back();
    now_ = next.when;
    const auto& owner = lives_[next.who];
    if (!owner.ended && owner.paused_until > now_) {
      next.when = owner.paused_until;
      queue(next);
      continue;
    }
    const auto what = std::move(tasks_[next.slot]);
    free_.push_back(next.slot);
    if (owner.ended)
      continue;
    ++events_;
    what->run();
    return true;
  }
  now_ = std::max(now_, until);
  return false;
}

} // namespace panal::sim
