#pragma once

// The gateway to the shard actors: what a loop submits during one of its ticks
// goes to each shard as one message. That is what makes HTTP over actors
// affordable (docs/architecture.md has the measurements).

#include "actors/gateway.hpp"
#include "actors/reply_inbox.hpp"

#include <caf/actor.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>
#include <vector>

namespace panal {

class shard_gateway final : public gateway {
public:
  /// @param loop    the loop whose thread makes all calls; outlives this.
  /// @param shards  in the order of shard_of().
  /// @param replicator  answers what concerns the cluster.
  shard_gateway(boost::asio::io_context& loop, std::vector<caf::actor> shards,
                caf::actor replicator);

  void submit(operation op, std::shared_ptr<answer_sink> sink,
              std::uint64_t ticket) override;

private:
  void flush();

  boost::asio::io_context& loop_;
  std::size_t destination_of(const operation& op) const;

  /// The shards, and behind them the replicator.
  std::vector<caf::actor> parts_;
  reply_inbox_ptr inbox_;
  /// One per part: what this tick has gathered for it.
  std::vector<operation_batch_ptr> gathered_;
  bool flush_is_due_ = false;
};

} // namespace panal
