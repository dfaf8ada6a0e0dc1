#pragma once

// The way back of an answer, from a shard's thread to the loop that asked.

#include "actors/gateway.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace panal {

/// A client's operation on its way through the actors, and its answer on the
/// way back. Made and destroyed by the loop's thread.
struct request {
  operation op;
  answer reply;
  std::shared_ptr<answer_sink> sink;
  std::uint64_t ticket = 0;
};

using request_ptr = std::unique_ptr<request>;

/// Gathers answered requests from any thread, and gives them to their sinks on
/// the loop's thread: one wake-up of the loop for all that has gathered.
class reply_inbox : public std::enable_shared_from_this<reply_inbox> {
public:
  /// @param loop  where sinks are called; its context outlives the inbox.
  explicit reply_inbox(boost::asio::any_io_executor loop);

  /// Thread-safe.
  void deliver(std::vector<request_ptr> answered);

private:
  void drain();

  boost::asio::any_io_executor loop_;
  std::mutex mutex_;
  std::vector<request_ptr> gathered_;
  std::vector<request_ptr> draining_;
};

using reply_inbox_ptr = std::shared_ptr<reply_inbox>;

/// Requests of one loop tick for one shard. Whoever drops it answers what is
/// still in it: no request is ever left without an answer.
class operation_batch {
public:
  explicit operation_batch(reply_inbox_ptr home);
  ~operation_batch();
  operation_batch(const operation_batch&) = delete;
  operation_batch& operator=(const operation_batch&) = delete;

  /// Where the answers go.
  const reply_inbox_ptr& home() const noexcept { return home_; }

  std::vector<request_ptr> requests;

private:
  reply_inbox_ptr home_;
};

using operation_batch_ptr = std::shared_ptr<operation_batch>;

/// Answers all of `requests` with `code`.
void refuse_all(reply_inbox& home, std::vector<request_ptr> requests,
                errc code);

} // namespace panal
