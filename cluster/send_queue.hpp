#pragma once

// What waits to be sent over one link: frames that travel whole, and streams,
// which are cut into pieces. While the link has credit, one after another
// leaves; a small frame does not wait for a large one, since the two kinds take
// turns, and both go on.
//
//   frames    changes ... changes  entries ...  --+
//                                                 +--> next(), under credit
//   streams   [id 7: ====>......] [id 8: ...]   --+

#include "cluster/flow_credit.hpp"
#include "cluster/outbound.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace panal {

/// One direction of one link. Not thread-safe; owned by the replica.
class send_queue {
public:
  explicit send_queue(const flow_config& config);

  /// The number of the next stream.
  std::uint32_t next_stream() const noexcept { return next_stream_; }

  /// The streams, numbered from next_stream() on, follow their frame. Bounded
  /// by the window that packs them.
  void push(packed_changes changes);
  /// A frame of repair, whole or cut as it is large.
  /// @return false if too much of that waits already: it is left out.
  bool push_repair(std::string frame);

  /// What is to be sent next; nothing while there is no credit, or no need.
  std::optional<std::string> next(steady_time now);

  /// The peer has received so many bytes.
  void received(std::uint64_t upto, steady_time now) {
    credit_.received(upto, now);
  }

  /// Leaves out the changes that were not sent yet, streams that were begun
  /// among them: they will be packed anew.
  void drop_changes();
  /// A new link.
  void reset();

  /// What frames should not be larger than, as fast as the link is.
  std::size_t frame_bytes() const noexcept;
  /// Bytes that wait here or are under way.
  std::uint64_t unreceived() const noexcept {
    return waiting_ + credit_.under_way();
  }
  /// Repair has something waiting here.
  bool holds_repair() const noexcept { return repair_waiting_ > 0; }
  /// True if something waits or is under way, and nothing has moved.
  bool is_stuck(steady_time now) const noexcept;
  /// It has been noticed: what is stuck is waited for once more.
  void be_patient(steady_time now) noexcept { patient_since_ = now; }
  const flow_credit& credit() const noexcept { return credit_; }

private:
  struct stream {
    std::uint32_t id = 0;
    std::string bytes;
    std::size_t sent = 0;
    bool is_repair = false;

    std::size_t left() const noexcept { return bytes.size() - sent; }
  };
  struct waiting_frame {
    /// Empty where there are only streams.
    std::string bytes;
    std::vector<stream> streams;
    bool is_repair = false;
  };

  stream make_stream(std::string bytes, bool is_repair);
  void enqueue(waiting_frame next);
  void release_streams(waiting_frame& sent);
  void count_out(std::size_t bytes, bool is_repair) noexcept;
  std::string take_frame();
  std::string cut_piece();

  flow_config config_;
  flow_credit credit_;
  std::deque<waiting_frame> frames_;
  std::deque<stream> streams_;
  std::uint32_t next_stream_ = 1;
  std::uint64_t waiting_ = 0;
  std::uint64_t repair_waiting_ = 0;
  steady_time patient_since_{};
  /// Sent in whole frames since the last piece.
  std::size_t since_piece_ = 0;
};

} // namespace panal
