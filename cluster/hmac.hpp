#pragma once

// The few cryptographic tools that the cluster needs, over OpenSSL's
// libcrypto. Every function throws std::runtime_error where libcrypto itself
// fails (no memory, no random source): then there is no safe value to return.

#include <array>
#include <initializer_list>
#include <string_view>

namespace panal {

/// 32 bytes: a SHA-256 hash, an HMAC-SHA256, a key or a nonce.
using digest = std::array<char, 32>;

/// The bytes of `d`; the view lives as long as `d` does.
inline std::string_view view(const digest& d) noexcept {
  return {d.data(), d.size()};
}

/// SHA-256 of the parts' concatenation. Lengths are not mixed in: parts of
/// variable length must delimit themselves.
digest sha256(std::initializer_list<std::string_view> parts);

/// HMAC-SHA256 (RFC 2104) of the parts' concatenation.
digest hmac_sha256(std::string_view key,
                   std::initializer_list<std::string_view> parts);

/// Compares in a time that does not depend on where the bytes differ.
bool equal(const digest& expected, std::string_view given) noexcept;

/// 32 bytes that nobody can predict and that never come again.
digest random_digest();

} // namespace panal
