#pragma once

// What a replica asks of all shards at once: split by shard on the way there,
// gathered on the way back.

#include "cluster/round.hpp"
#include "cluster/shard_port.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace panal {

/// The way to one shard. Parts of an answer come back later, never from inside
/// the call.
class shards_port {
public:
  virtual ~shards_port() = default;
  virtual void list(std::size_t shard,
                    std::shared_ptr<const leaf_query> what) = 0;
  virtual void compare(std::size_t shard,
                       std::shared_ptr<const leaf_comparison> what) = 0;
  virtual void reconcile(std::size_t shard, repair_changes part) = 0;
  virtual void reissue_in(std::size_t shard, std::vector<reissue> part,
                          std::uint64_t restamp_upto) = 0;
};

/// Not thread-safe; owned by the replicator actor.
class shard_rounds {
public:
  /// @param shards  how many there are.
  /// @param port    outlives this.
  shard_rounds(std::size_t shards, shards_port& port);

  /// Every shard is asked; listed() gives the whole when all have answered.
  void list(std::uint64_t token, std::vector<std::uint32_t> leaves,
            steady_time now);
  /// Every shard is asked; compared() gives the whole.
  void compare(leaf_comparison with, steady_time now);
  /// Each change goes to its shard; nothing follows.
  void reconcile(repair_changes with);
  /// Each write goes to its shard; reissued() gives the whole.
  /// @return false if there are no writes: then nothing follows.
  bool reissue_all(std::vector<reissue> writes, std::uint64_t restamp_upto);

  // A shard has answered. @return the whole, if it was the last one; nothing
  // for parts of a round that was given up.
  std::optional<std::vector<leaf_place>> listed(leaf_listing part);
  std::optional<leaf_difference> compared(leaf_difference part);
  std::optional<reissue_report> reissued(const reissue_report& part);

  /// Gives up what has waited too long: a shard drops what it has no room for.
  void tick(steady_time now);

private:
  std::size_t place_of(const std::string& key) const noexcept;

  std::size_t shards_;
  shards_port& port_;
  rounds<std::vector<leaf_place>> listings_;
  rounds<leaf_difference> comparisons_;
  std::size_t reissue_parts_left_ = 0;
  reissue_report reissue_sum_;
};

} // namespace panal
