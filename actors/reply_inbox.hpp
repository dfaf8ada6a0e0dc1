#pragma once

// The way back of an answer, from a shard's thread to the loop that asked.

#include "actors/gateway.hpp"
#include "storage/request.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace panal {

class reply_inbox;
using reply_inbox_ptr = std::shared_ptr<reply_inbox>;

/// A loop's request: its operation on its way through the actors, and its
/// answer on the way back. Made and destroyed by the loop's thread.
struct loop_request final : request {
  loop_request(operation asked, std::shared_ptr<answer_sink> to,
               std::uint64_t number, reply_inbox_ptr back)
      : request{std::move(asked)},
        sink{std::move(to)},
        ticket{number},
        home{std::move(back)} {}

  std::shared_ptr<answer_sink> sink;
  std::uint64_t ticket = 0;
  /// Where it is answered.
  reply_inbox_ptr home;
};

/// Gathers answered requests from any thread, and gives them to their sinks on
/// the loop's thread: one wake-up of the loop for all that has gathered.
class reply_inbox : public std::enable_shared_from_this<reply_inbox> {
public:
  /// @param loop  where sinks are called; its context outlives the inbox.
  explicit reply_inbox(boost::asio::any_io_executor loop);

  /// Thread-safe. They are this inbox's loop_requests.
  void deliver(std::vector<request_ptr> answered);

private:
  void drain();

  boost::asio::any_io_executor loop_;
  std::mutex mutex_;
  std::vector<request_ptr> gathered_;
  std::vector<request_ptr> draining_;
};

/// Answers requests, which come from any loops: each loop is woken once.
void deliver_all(std::vector<request_ptr> answered);

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
