#include "actors/basp_guard.hpp"

#include <algorithm>

namespace panal {

namespace {

/// The greatest of CAF's operations: a heartbeat.
constexpr unsigned char operation_max = 6;

} // namespace

bool basp_guard::follow(std::string_view bytes) noexcept {
  while (wrong_.empty() && !bytes.empty()) {
    if (payload_left_ > 0) {
      const auto passed = std::min<std::uint64_t>(payload_left_, bytes.size());
      payload_left_ -= passed;
      bytes.remove_prefix(static_cast<std::size_t>(passed));
      continue;
    }
    header_[header_filled_++] = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    if (header_filled_ == header_bytes && judge_header())
      header_filled_ = 0;
  }
  return wrong_.empty();
}

bool basp_guard::judge_header() noexcept {
  for (std::size_t i = 4; i < 8; ++i)
    payload_left_ = payload_left_ << 8 | header_[i];
  if (header_[0] > operation_max)
    wrong_ = "an unknown operation below the frames";
  else if (payload_left_ > payload_bytes_max_)
    wrong_ = "a message over the limit below the frames";
  return wrong_.empty();
}

} // namespace panal
