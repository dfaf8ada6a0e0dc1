#include "storage/record_set.hpp"

#include "storage/key_hash.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

namespace panal {

namespace {

/// Allocator header and rounding, and the pointer's share of the hash set.
constexpr std::size_t overhead_bytes = 40;
/// A node of the expiry index.
constexpr std::size_t expiry_bytes = 64;

} // namespace

// Key and entry follow the header in the same block.
struct record_set::record {
  unix_ms expires_at;
  std::uint32_t key_bytes;
  std::uint32_t entry_bytes;

  char* text() noexcept { return reinterpret_cast<char*>(this + 1); }
  const char* text() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }
  std::string_view key() const noexcept { return {text(), key_bytes}; }
  std::string_view entry() const noexcept {
    return {text() + key_bytes, entry_bytes};
  }
  std::size_t cost() const noexcept {
    return sizeof(record) + key_bytes + entry_bytes + overhead_bytes
           + (expires_at == never ? 0 : expiry_bytes);
  }

  static record* make(std::string_view key, std::string_view entry,
                      unix_ms expires_at) {
    void* block = std::malloc(sizeof(record) + key.size() + entry.size());
    if (block == nullptr)
      throw std::bad_alloc{};
    auto* r =
        new (block) record{expires_at, static_cast<std::uint32_t>(key.size()),
                           static_cast<std::uint32_t>(entry.size())};
    std::memcpy(r->text(), key.data(), key.size());
    std::memcpy(r->text() + key.size(), entry.data(), entry.size());
    return r;
  }
};

std::size_t
record_set::record_hash::operator()(std::string_view key) const noexcept {
  return key_hash(key);
}

std::size_t
record_set::record_hash::operator()(const record* r) const noexcept {
  return key_hash(r->key());
}

bool record_set::record_equal::operator()(const record* a,
                                          const record* b) const noexcept {
  return a->key() == b->key();
}

bool record_set::record_equal::operator()(std::string_view a,
                                          const record* b) const noexcept {
  return a == b->key();
}

bool record_set::record_equal::operator()(const record* a,
                                          std::string_view b) const noexcept {
  return a->key() == b;
}

record_set::record_set() = default;

record_set::~record_set() {
  for (auto& part : parts_)
    for (auto* r : part)
      std::free(r);
}

std::string_view record_set::find(std::string_view key) const noexcept {
  const auto& part = part_of(key);
  const auto i = part.find(key);
  return i == part.end() ? std::string_view{} : (*i)->entry();
}

void record_set::assign(std::string_view key, std::string_view entry,
                        unix_ms expires_at) {
  auto* fresh = record::make(key, entry, expires_at);
  auto& part = part_of(key);
  if (const auto i = part.find(key); i != part.end()) {
    // The same key hashes to the same slot: swap the pointer in place.
    forget(std::exchange(const_cast<record*&>(*i), fresh));
  } else {
    part.insert(fresh);
  }
  if (expires_at != never)
    expiries_.emplace(expires_at, fresh);
  ++size_;
  bytes_ += fresh->cost();
}

void record_set::erase(std::string_view key) noexcept {
  auto& part = part_of(key);
  const auto i = part.find(key);
  if (i == part.end())
    return;
  auto* old = *i;
  part.erase(i);
  forget(old);
}

std::optional<std::string> record_set::pop_expired(unix_ms now) {
  if (expiries_.empty() || expiries_.begin()->first > now)
    return std::nullopt;
  auto* r = expiries_.begin()->second;
  bytes_ -= r->cost();
  expiries_.erase(expiries_.begin());
  r->expires_at = never;
  bytes_ += r->cost();
  return std::string{r->key()};
}

void record_set::push_expired(std::string_view key, unix_ms expires_at) {
  const auto& part = part_of(key);
  const auto i = part.find(key);
  if (i == part.end() || expires_at == never || (*i)->expires_at == expires_at)
    return;
  bytes_ -= (*i)->cost();
  if ((*i)->expires_at != never)
    expiries_.erase({(*i)->expires_at, *i});
  (*i)->expires_at = expires_at;
  expiries_.emplace(expires_at, *i);
  bytes_ += (*i)->cost();
}

unix_ms record_set::next_expiry() const noexcept {
  return expiries_.empty() ? never : expiries_.begin()->first;
}

void record_set::for_part(
    std::size_t part,
    const std::function<void(std::string_view key, std::string_view entry)>&
        visit) const {
  for (const auto* r : parts_.at(part))
    visit(r->key(), r->entry());
}

record_set::slot_set& record_set::part_of(std::string_view key) noexcept {
  return parts_[(key_hash(key) >> 40) % part_count];
}

const record_set::slot_set&
record_set::part_of(std::string_view key) const noexcept {
  return parts_[(key_hash(key) >> 40) % part_count];
}

void record_set::forget(record* r) noexcept {
  if (r->expires_at != never)
    expiries_.erase({r->expires_at, r});
  --size_;
  bytes_ -= r->cost();
  std::free(r);
}

} // namespace panal
