#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace panal::http {

/// How a node took the request to forget a member.
enum class forgetting : std::uint8_t {
  done,
  /// The node answered, and did not do it.
  refused,
  /// There was no answer, or the secret cannot be sent.
  not_asked,
};

/// See forget_member().
struct forget_outcome {
  forgetting what = forgetting::not_asked;
  /// The answer's document; without an answer, a sentence that says why.
  std::string text;
};

/// Asks the node at `host`:`port` to have its cluster forget the member
/// `name`, which is a node's name as the options allow it. Blocks the calling
/// thread.
/// @param secret  the cluster's, sent as it is; empty: none is sent. Not one
///   of its bytes may be a control character.
/// @param timeout  of each step: connecting, sending, every read.
forget_outcome forget_member(const std::string& host, std::uint16_t port,
                             std::string_view name, std::string_view secret,
                             std::chrono::milliseconds timeout);

} // namespace panal::http
