#pragma once

// One client's connection without its socket: bytes in, operations and bytes
// out, time passed in. Whoever owns the socket (session) moves the bytes.
//
//   reading --(request whole, operation taken)--> waiting --(answer)--+
//      ^                                                             |
//      +------------------(answer written, kept alive)---------------+
//      |  error or Connection: close
//      v
//   lingering: sends what is left, tells the client that no more comes,
//      |       passes over what it still sends, within bounds
//      v
//   closed
//
// At most one request is being answered. What the client sends meanwhile
// waits in the input buffer, which has a bound, and is answered in order.

#include "http/api.hpp"
#include "http/environment.hpp"
#include "http/head_scanner.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace panal::http {

/// See above. All times are of the steady clock.
class connection {
public:
  using time_point = std::chrono::steady_clock::time_point;

  /// @param from_loopback  the client connects from this machine.
  connection(environment& env, bool from_loopback, time_point now);

  /// Takes bytes that the client sent.
  void receive(std::string_view bytes, time_point now);
  /// The client sends no more. What it has sent is still answered.
  void receive_end(time_point now);
  /// True while the owner should read on; false when enough waits.
  bool wants_bytes() const noexcept;

  /// Moves the operation that should be submitted into `op`, and its ticket;
  /// false if there is none. The next comes after this one's answer.
  bool take_operation(operation& op, std::uint64_t& ticket);
  /// Takes an answer. One with a ticket that is no longer waited for (its
  /// request got its 503 already) is dropped.
  void answered(std::uint64_t ticket, const answer& reply, time_point now);

  /// What should be sent now; empty: nothing.
  std::string_view output() const noexcept;
  /// The first `n` bytes of output() are sent; `now` starts the patience for
  /// what is left.
  void sent(std::size_t n, time_point now);

  /// Ends what has waited too long. Called about four times a second.
  void check_deadlines(time_point now);

  /// The node is stopping: this connection closes as soon as what it has
  /// begun is answered.
  void drain();
  /// Answers 503 and closes: there are too many connections.
  void refuse(time_point now);

  /// True when it has no request, whole or in part, and nothing to send.
  bool idle() const noexcept;
  /// Since when it has been idle.
  time_point idle_since() const noexcept { return since_; }
  /// True when all is sent and the client must be told so (shutdown).
  bool should_shutdown() const noexcept;
  /// The client was told: from now on its bytes are only passed over.
  void shut_down(time_point now) noexcept;
  /// True when the socket should be closed at once.
  bool closed() const noexcept { return phase_ == phase::closed; }

private:
  enum class phase : std::uint8_t { reading, waiting, lingering, closed };

  // How much may wait in each direction before the client has to.
  static constexpr std::size_t buffered_bytes_max = std::size_t{64} * 1024;
  // Buffers that grew beyond this are given back once they are empty.
  static constexpr std::size_t kept_bytes_max = std::size_t{16} * 1024;

  // Empties `buffer`, whose bytes were all used.
  static void release(std::string& buffer, std::size_t& start);
  void resume(time_point now);
  std::size_t read_requests(std::string_view data, time_point now);
  std::size_t read_request(std::string_view data, time_point now);
  bool start_body(const request_head& head, std::size_t came, time_point now);
  void begin_task(const request_head& head, std::string_view body,
                  time_point now);
  void finish_answer(time_point now);
  void fail(const problem& what, time_point now);
  void linger(time_point now);
  void check_reading(time_point now);
  bool body_is_late(time_point now) const;
  std::string_view pending() const noexcept;
  void consume(std::size_t n);
  std::size_t unsent() const noexcept { return out_.size() - out_start_; }
  answer_form form() const noexcept;

  // For how long an operation may go unanswered.
  std::chrono::milliseconds answer_patience() const noexcept;

  environment& env_;
  bool from_loopback_;
  phase phase_ = phase::reading;
  bool input_ended_ = false;
  bool draining_ = false;
  bool told_end_ = false;
  bool used_ = false;
  // The client expects the end and sends nothing more: no need to linger.
  bool clean_end_ = false;

  // Bytes that came and are not consumed, from in_start_ on.
  std::string in_;
  std::size_t in_start_ = 0;
  std::size_t drained_bytes_ = 0;

  // The request that is being read or answered.
  head_scanner scanner_;
  std::size_t header_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  bool header_known_ = false;
  bool began_ = false;
  task task_;
  bool has_operation_ = false;
  std::uint64_t ticket_ = 0;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool http10_ = false;

  std::string out_;
  std::size_t out_start_ = 0;
  // Output has been held back long enough.
  bool flush_ = false;

  // When the present state began: the idleness, the header, the body, the
  // wait for an answer, the lingering.
  time_point since_;
  // Since when output waits for the client to read.
  std::optional<time_point> blocked_since_;
};

} // namespace panal::http
