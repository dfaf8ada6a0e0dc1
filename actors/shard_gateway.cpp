#include "actors/shard_gateway.hpp"

#include "actors/messages.hpp"
#include "storage/key_hash.hpp"

#include <caf/send.hpp>

#include <boost/asio/post.hpp>

#include <utility>

namespace panal {

shard_gateway::shard_gateway(boost::asio::io_context& loop,
                             std::vector<caf::actor> shards,
                             caf::actor replicator)
    : loop_{loop},
      parts_{std::move(shards)},
      inbox_{std::make_shared<reply_inbox>(loop.get_executor())} {
  parts_.push_back(std::move(replicator));
  gathered_.resize(parts_.size());
}

std::size_t shard_gateway::destination_of(const operation& op) const {
  const auto shards = parts_.size() - 1;
  switch (op.what) {
  case verb::report:
  case verb::forget:
    return shards;
  case verb::clear:
    return 0;
  default:
    return shard_of(key_hash(op.key), shards);
  }
}

void shard_gateway::submit(operation op, std::shared_ptr<answer_sink> sink,
                           std::uint64_t ticket) {
  auto& batch = gathered_[destination_of(op)];
  if (!batch)
    batch = std::make_shared<operation_batch>(inbox_);
  batch->requests.push_back(std::make_unique<loop_request>(
      std::move(op), std::move(sink), ticket, inbox_));
  if (std::exchange(flush_is_due_, true))
    return;
  // Runs after every handler that is ready now: their operations join in.
  boost::asio::post(loop_, [this] { flush(); });
}

void shard_gateway::flush() {
  flush_is_due_ = false;
  for (std::size_t i = 0; i < parts_.size(); ++i)
    if (gathered_[i])
      caf::anon_send(parts_[i], std::exchange(gathered_[i], nullptr));
}

} // namespace panal
