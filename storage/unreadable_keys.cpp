#include "storage/unreadable_keys.hpp"

#include "storage/checksum.hpp"

#include <algorithm>

namespace panal {

void unreadable_keys::add(std::string_view key, position at) {
  std::lock_guard guard{mutex_};
  keys_.insert_or_assign(std::string{key}, at);
  show();
}

void unreadable_keys::add_sum(std::uint32_t sum, position at) {
  std::lock_guard guard{mutex_};
  sums_.insert_or_assign(sum, at);
  show();
}

void unreadable_keys::mended(std::string_view key) {
  if (!any())
    return;
  std::lock_guard guard{mutex_};
  if (const auto i = keys_.find(key); i != keys_.end())
    keys_.erase(i);
  sums_.erase(key_sum(key));
  show();
}

void unreadable_keys::mended_sums() {
  std::lock_guard guard{mutex_};
  sums_.clear();
  show();
}

bool unreadable_keys::contains(std::string_view key) const {
  return place_of(key) != 0;
}

position unreadable_keys::place_of(std::string_view key) const {
  if (!any())
    return 0;
  std::lock_guard guard{mutex_};
  if (const auto i = keys_.find(key); i != keys_.end())
    return i->second;
  if (sums_.empty())
    return 0;
  const auto i = sums_.find(key_sum(key));
  return i == sums_.end() ? 0 : i->second;
}

position unreadable_keys::newest() const {
  std::lock_guard guard{mutex_};
  position newest = 0;
  for (const auto& [key, at] : keys_)
    newest = std::max(newest, at);
  for (const auto& [sum, at] : sums_)
    newest = std::max(newest, at);
  return newest;
}

std::size_t unreadable_keys::count() const {
  std::lock_guard guard{mutex_};
  return keys_.size() + sums_.size();
}

std::vector<unreadable_key> unreadable_keys::after(std::string_view key,
                                                   std::size_t keys_max) const {
  std::lock_guard guard{mutex_};
  std::vector<unreadable_key> found;
  for (auto i = keys_.upper_bound(key);
       i != keys_.end() && found.size() < keys_max; ++i)
    found.push_back({i->first, i->second});
  return found;
}

void unreadable_keys::show() noexcept {
  const auto left = keys_.size() + sums_.size();
  any_.store(left > 0, std::memory_order_release);
  if (shown_ == nullptr)
    return;
  if (left > 0)
    shown_->set(condition::unreadable_keys, left);
  else
    shown_->clear(condition::unreadable_keys);
}

} // namespace panal
