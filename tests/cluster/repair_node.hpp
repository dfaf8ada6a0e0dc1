#pragma once

// Nodes that hold keys under a real digest tree and repair each other over a
// transport in memory.

#include "cluster/repair.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace panal::test {

inline std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

/// 2^(3 * bits) leaves; each node is the sum of what is below it.
class fake_tree final : public digest_source {
public:
  explicit fake_tree(unsigned bits = 6) : bits_{bits} {
    for (unsigned level = 0; level <= repair_levels; ++level)
      levels_.emplace_back(std::size_t{1} << (bits * level));
  }

  unsigned bits() const override { return bits_; }
  std::uint64_t root() const override { return levels_[0][0]; }
  std::vector<std::uint64_t> children(unsigned level,
                                      std::uint32_t node) const override {
    REQUIRE(level < repair_levels);
    const auto& below = levels_[level + 1];
    const auto first =
        below.begin() + static_cast<std::ptrdiff_t>(node) * (1 << bits_);
    return {first, first + (1 << bits_)};
  }

  std::uint32_t leaves() const {
    return static_cast<std::uint32_t>(levels_.back().size());
  }
  void add(std::uint32_t leaf, std::uint64_t digest) {
    for (unsigned level = 0; level <= repair_levels; ++level)
      levels_[level][leaf >> (bits_ * (repair_levels - level))] += digest;
  }

private:
  unsigned bits_;
  std::vector<std::vector<std::uint64_t>> levels_;
};

/// A frame on its way.
struct sent_frame {
  origin_id from = 0;
  origin_id to = 0;
  std::string bytes;
};

/// A key is a number, its entry a version; the higher version wins.
class repair_node final : public repair_port {
public:
  repair_node(origin_id id, std::deque<sent_frame>& wire,
              const repair_config& config = {}, unsigned bits = 6)
      : tree{bits},
        work{config, tree, *this, std::mt19937_64{id}},
        id_{id},
        wire_{wire} {}

  void put(std::uint64_t key, std::uint64_t version) {
    auto& held = keys_[leaf_of(key)][key];
    if (version <= held)
      return;
    if (held != 0)
      tree.add(leaf_of(key), ~digest_of(key, held) + 1);
    tree.add(leaf_of(key), digest_of(key, version));
    held = version;
  }

  void send(origin_id peer, std::string bytes) override {
    wire_.push_back({id_, peer, std::move(bytes)});
  }
  std::uint64_t line() const override { return id_; }

  void list(std::uint64_t token,
            const std::vector<std::uint32_t>& leaves) override {
    std::vector<repair_leaf> found;
    for (const auto leaf : leaves) {
      auto& next = found.emplace_back();
      next.leaf = leaf;
      for (const auto& [key, version] : keys_[leaf])
        next.items.push_back({item_of(key), digest_of(key, version)});
    }
    ++lists;
    work.listed(token, std::move(found), now);
  }

  void reconcile(std::uint64_t token, origin_id, std::uint64_t their_line,
                 std::vector<repair_leaf> theirs,
                 std::size_t bytes_max) override {
    line_heard = their_line;
    std::vector<repair_entry> lacking;
    std::size_t bytes = 0;
    bool more = false;
    for (const auto& leaf : theirs) {
      for (const auto& [key, version] : keys_[leaf.leaf]) {
        const repair_item mine{item_of(key), digest_of(key, version)};
        if (std::count(leaf.items.begin(), leaf.items.end(), mine) > 0)
          continue;
        repair_entry next{std::to_string(key), std::to_string(version)};
        next.entry.resize(std::max(next.entry.size(), entry_bytes), ' ');
        bytes += next.key.size() + next.entry.size();
        if (!lacking.empty() && bytes > bytes_max) {
          more = true;
          break;
        }
        lacking.push_back(std::move(next));
      }
    }
    work.reconciled(token, lacking, more, now);
  }

  void merge(origin_id, const repair_entries_frame& said) override {
    for (const auto& item : said.items)
      put(std::stoull(std::string{item.key}),
          std::stoull(std::string{item.entry}));
    merged += said.items.size();
  }

  std::uint32_t leaf_of(std::uint64_t key) const {
    return static_cast<std::uint32_t>(mixed(key)) & (tree.leaves() - 1);
  }

  fake_tree tree;
  repair work;
  steady_time now{};
  /// Entries are at least that long.
  std::size_t entry_bytes = 0;
  std::size_t lists = 0;
  std::size_t merged = 0;
  std::uint64_t line_heard = 0;

private:
  static std::uint32_t item_of(std::uint64_t key) {
    return static_cast<std::uint32_t>(mixed(key) >> 32);
  }
  static std::uint64_t digest_of(std::uint64_t key, std::uint64_t version) {
    return mixed(mixed(key) + version);
  }

  origin_id id_;
  std::deque<sent_frame>& wire_;
  std::map<std::uint32_t, std::map<std::uint64_t, std::uint64_t>> keys_;
};

/// Nodes 1 to n, linked all with all.
class repair_cluster {
public:
  explicit repair_cluster(std::size_t count, const repair_config& config = {},
                          unsigned bits = 6) {
    for (std::size_t i = 0; i < count; ++i)
      nodes.emplace_back(i + 1, wire, config, bits);
  }

  repair_node& at(origin_id id) { return nodes.at(id - 1); }

  /// Ticks those of `ticking` (all if there are none) and delivers all frames.
  void step(std::chrono::milliseconds by,
            const std::vector<origin_id>& ticking = {}) {
    now += by;
    for (auto& node : nodes)
      node.now = now;
    for (origin_id id = 1; id <= nodes.size(); ++id)
      if (ticking.empty() || std::count(ticking.begin(), ticking.end(), id) > 0)
        at(id).work.tick(now, peers_of(id));
    deliver();
  }

  /// Steps by 100 ms until `done` or until `most` is over.
  template <class Done>
  bool run(std::chrono::milliseconds most, Done done,
           const std::vector<origin_id>& ticking = {}) {
    const auto end = now + most;
    while (!done()) {
      if (now >= end)
        return false;
      step(std::chrono::milliseconds{100}, ticking);
    }
    return true;
  }

  void deliver() {
    while (!wire.empty()) {
      const auto next = std::move(wire.front());
      wire.pop_front();
      bytes += next.bytes.size();
      if (seen)
        seen(next);
      hand_over(next);
    }
  }

  void hand_over(const sent_frame& next) {
    const auto said = decode_frame(next.bytes);
    REQUIRE(said.has_value());
    REQUIRE(at(next.to).work.came(next.from, *said, next.bytes.size(), now));
  }

  std::vector<origin_id> peers_of(origin_id id) const {
    std::vector<origin_id> peers;
    for (origin_id other = 1; other <= nodes.size(); ++other)
      if (other != id)
        peers.push_back(other);
    return peers;
  }

  std::deque<sent_frame> wire;
  std::deque<repair_node> nodes;
  steady_time now{};
  std::size_t bytes = 0;
  std::function<void(const sent_frame&)> seen;
};

} // namespace panal::test
