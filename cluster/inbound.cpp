#include "cluster/inbound.hpp"

#include "storage/mutant.hpp"

#include <algorithm>

namespace panal {

void inbound::resume(position acknowledged) noexcept {
  merged_ = std::max(merged_, acknowledged);
  received_ = std::max(received_, merged_);
}

bool inbound::follows(position after) const noexcept {
  return after <= received_ || PANAL_MUTANT(gap_accepted);
}

std::uint64_t inbound::open(position upto, std::size_t parts) {
  open_.push_back({next_ticket_, upto, parts});
  received_ = std::max(received_, upto);
  return next_ticket_++;
}

void inbound::defer(std::uint32_t first_stream, std::uint16_t streams) {
  auto& frame = open_.back();
  for (std::uint32_t i = 0; i < streams; ++i)
    deferred_[first_stream + i] = frame.ticket;
  if (PANAL_MUTANT(deferred_not_awaited))
    return;
  frame.parts_left += streams;
  frame.deferred += streams;
}

std::optional<std::uint64_t> inbound::arrived(std::uint32_t stream) {
  const auto i = deferred_.find(stream);
  if (i == deferred_.end())
    return std::nullopt;
  const auto ticket = i->second;
  deferred_.erase(i);
  if (auto* frame = find(ticket); frame != nullptr && frame->deferred > 0)
    --frame->deferred;
  return ticket;
}

position inbound::settled() const noexcept {
  auto upto = merged_;
  for (const auto& frame : open_) {
    if (frame.parts_left > frame.deferred)
      break;
    upto = std::max(upto, frame.upto);
  }
  return upto;
}

std::optional<position> inbound::done(std::uint64_t ticket) {
  auto* frame = find(ticket);
  if (frame == nullptr)
    return std::nullopt;
  if (frame->parts_left > 0)
    --frame->parts_left;
  bool moved = false;
  while (!open_.empty() && open_.front().parts_left == 0) {
    merged_ = std::max(merged_, open_.front().upto);
    open_.pop_front();
    moved = true;
  }
  return moved ? std::optional{merged_} : std::nullopt;
}

void inbound::failed(std::uint64_t ticket) {
  if (find(ticket) != nullptr)
    forget_open();
}

void inbound::forget_open() {
  open_.clear();
  deferred_.clear();
  received_ = merged_;
}

inbound::open_frame* inbound::find(std::uint64_t ticket) noexcept {
  const auto i =
      std::find_if(open_.begin(), open_.end(), [ticket](const open_frame& f) {
        return f.ticket == ticket;
      });
  return i == open_.end() ? nullptr : &*i;
}

} // namespace panal
