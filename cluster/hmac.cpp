#include "cluster/hmac.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <stdexcept>
#include <string>

namespace panal {

namespace {

static_assert(std::tuple_size_v<digest> == SHA256_DIGEST_LENGTH);

std::string joined(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (auto part : parts)
    all.append(part);
  return all;
}

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

unsigned char* bytes_of(digest& d) noexcept {
  return reinterpret_cast<unsigned char*>(d.data());
}

} // namespace

digest sha256(std::initializer_list<std::string_view> parts) {
  auto data = joined(parts);
  digest hash;
  if (SHA256(bytes_of(data), data.size(), bytes_of(hash)) == nullptr)
    throw std::runtime_error("libcrypto cannot hash");
  return hash;
}

digest hmac_sha256(std::string_view key,
                   std::initializer_list<std::string_view> parts) {
  auto data = joined(parts);
  digest mac;
  unsigned int size = 0;
  // A null key would mean "the key of last time" to older versions.
  auto* key_bytes = key.empty() ? "" : key.data();
  if (HMAC(EVP_sha256(), key_bytes, static_cast<int>(key.size()),
           bytes_of(data), data.size(), bytes_of(mac), &size)
          == nullptr
      || size != mac.size())
    throw std::runtime_error("libcrypto cannot make a MAC");
  return mac;
}

bool equal(const digest& expected, std::string_view given) noexcept {
  return given.size() == expected.size()
         && CRYPTO_memcmp(expected.data(), given.data(), expected.size()) == 0;
}

digest random_digest() {
  digest drawn;
  if (RAND_bytes(bytes_of(drawn), static_cast<int>(drawn.size())) != 1)
    throw std::runtime_error("libcrypto has no random bytes");
  return drawn;
}

} // namespace panal
