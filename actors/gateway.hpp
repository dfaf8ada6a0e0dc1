#pragma once

// The one bridge between the HTTP side and the actors. This header knows
// neither CAF nor Asio, so that http/ can be tested with a fake gateway.

#include "storage/operation.hpp"

#include <cstdint>
#include <memory>

namespace panal {

/// Where an answer goes. Called on the loop thread that submitted the
/// operation, never from inside submit().
class answer_sink {
public:
  virtual ~answer_sink() = default;
  /// @param ticket  the number that was given to gateway::submit.
  virtual void on_answer(std::uint64_t ticket, answer reply) = 0;
};

/// Takes a loop's operations to the shards and brings the answers back.
/// One gateway per HTTP loop; all its calls are made on that loop's thread.
class gateway {
public:
  virtual ~gateway() = default;
  /// Hands over `op`. Exactly one on_answer(ticket, ...) follows, whatever
  /// happens to the shard: `unavailable` where nobody is left to answer,
  /// `overloaded` where a queue is full. It comes later, never from inside
  /// this call. The sink is kept alive until then.
  virtual void submit(operation op, std::shared_ptr<answer_sink> sink,
                      std::uint64_t ticket) = 0;
};

} // namespace panal
