#include "cluster/send_queue.hpp"

#include "cluster/frame_piece.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace panal {

send_queue::send_queue(const flow_config& config)
    : config_{config}, credit_{config} {
  // nop
}

send_queue::stream send_queue::make_stream(std::string bytes, bool is_repair) {
  return {next_stream_++, std::move(bytes), 0, is_repair};
}

void send_queue::push(packed_changes changes) {
  waiting_frame next{std::move(changes.frame), {}, false};
  for (auto& bytes : changes.streams)
    next.streams.push_back(make_stream(std::move(bytes), false));
  enqueue(std::move(next));
}

bool send_queue::push_repair(std::string frame) {
  if (repair_waiting_ >= config_.repair_bytes_max)
    return false;
  waiting_frame next{{}, {}, true};
  if (frame.size() > config_.whole_bytes_max)
    next.streams.push_back(make_stream(std::move(frame), true));
  else
    next.bytes = std::move(frame);
  enqueue(std::move(next));
  return true;
}

void send_queue::enqueue(waiting_frame next) {
  auto bytes = next.bytes.size();
  for (const auto& each : next.streams)
    bytes += each.bytes.size();
  waiting_ += bytes;
  if (next.is_repair)
    repair_waiting_ += bytes;
  frames_.push_back(std::move(next));
}

std::optional<std::string> send_queue::next(steady_time now) {
  // A stream is begun behind its frame, and streams in their order.
  while (!frames_.empty() && frames_.front().bytes.empty()) {
    release_streams(frames_.front());
    frames_.pop_front();
  }
  if (!credit_.has_credit() || (frames_.empty() && streams_.empty()))
    return std::nullopt;
  const bool is_piece =
      !streams_.empty() && (frames_.empty() || since_piece_ >= frame_bytes());
  auto bytes = is_piece ? cut_piece() : take_frame();
  credit_.sent(bytes.size(), now);
  return bytes;
}

void send_queue::release_streams(waiting_frame& sent) {
  std::move(sent.streams.begin(), sent.streams.end(),
            std::back_inserter(streams_));
}

std::string send_queue::take_frame() {
  auto sent = std::move(frames_.front());
  frames_.pop_front();
  count_out(sent.bytes.size(), sent.is_repair);
  since_piece_ += sent.bytes.size();
  release_streams(sent);
  return std::move(sent.bytes);
}

std::string send_queue::cut_piece() {
  auto& from = streams_.front();
  const auto size = std::min(frame_bytes(), from.left());
  auto piece =
      encode(piece_frame{from.id, from.bytes.size(), from.sent,
                         std::string_view{from.bytes}.substr(from.sent, size)});
  from.sent += size;
  count_out(size, from.is_repair);
  since_piece_ = 0;
  if (from.left() == 0)
    streams_.pop_front();
  return piece;
}

void send_queue::count_out(std::size_t bytes, bool is_repair) noexcept {
  waiting_ -= bytes;
  if (is_repair)
    repair_waiting_ -= bytes;
}

void send_queue::drop_changes() {
  std::erase_if(frames_, [](const auto& each) { return !each.is_repair; });
  std::erase_if(streams_, [](const auto& each) { return !each.is_repair; });
  waiting_ = repair_waiting_;
}

void send_queue::reset() {
  *this = send_queue{config_};
}

std::size_t send_queue::frame_bytes() const noexcept {
  return std::clamp(credit_.ahead() / 4, config_.piece_bytes_min,
                    config_.piece_bytes_max);
}

bool send_queue::is_stuck(steady_time now) const noexcept {
  return credit_.under_way() > 0
         && now - std::max(credit_.moved_at(), patient_since_)
                > config_.stuck_after;
}

} // namespace panal
