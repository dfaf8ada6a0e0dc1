#pragma once

// Between digest repair and the node that a replica stands in: the replica's
// port does what a round asks for, the node's tree is what is compared.

#include "cluster/repair_port.hpp"
#include "cluster/replica_port.hpp"
#include "storage/digest_tree.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace panal {

class repair_link final : public digest_source, public repair_port {
public:
  using sender = std::function<void(origin_id peer, std::string bytes)>;

  /// @param port, digests  outlive this.
  /// @param send           takes what a round says to a peer.
  repair_link(replica_port& port, const digest_tree& digests, sender send);

  unsigned bits() const override;
  std::uint64_t root() const override;
  std::vector<std::uint64_t> children(unsigned level,
                                      std::uint32_t node) const override;

  void send(origin_id peer, std::string bytes) override;
  std::uint64_t line() const override { return line_; }
  void list(std::uint64_t token,
            const std::vector<std::uint32_t>& leaves) override;
  void reconcile(std::uint64_t token, origin_id peer, std::uint64_t their_line,
                 std::vector<repair_leaf> theirs,
                 std::size_t bytes_max) override;
  void merge(origin_id peer, const repair_entries_frame& said) override;

  /// What a round tells of the node's line.
  void set_line(std::uint64_t line) noexcept { line_ = line; }
  /// The newest mark of this node: a peer's line proves nothing above it.
  void set_mark(std::uint64_t mark) noexcept { mark_ = mark; }
  /// Sorts what the shards have listed by leaves, in the order of the list()
  /// of this token; empty if that is not the last one.
  std::vector<repair_leaf> by_leaf(std::uint64_t token,
                                   const std::vector<leaf_place>& items) const;

  /// Keys that peers have sent by repair.
  std::uint64_t keys_taken() const noexcept { return keys_taken_; }

private:
  replica_port& port_;
  const digest_tree& digests_;
  std::uint64_t proven(std::uint64_t their_line) const noexcept;

  sender send_;
  std::uint64_t line_ = 0;
  std::uint64_t mark_ = 0;
  std::uint64_t keys_taken_ = 0;
  /// The lists that the shards are at, for the round and for answers.
  std::map<std::uint64_t, std::vector<std::uint32_t>> lists_;
};

} // namespace panal
