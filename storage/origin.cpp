#include "storage/origin.hpp"

#include <sys/random.h>
#include <xxhash.h>

#include <cerrno>
#include <cstring>

namespace panal {

result<origin_id> draw_origin(std::string_view node_name) {
  constexpr origin_id random_bits = (origin_id{1} << 48) - 1;
  auto hash = XXH3_64bits(node_name.data(), node_name.size());
  for (;;) {
    origin_id drawn = 0;
    if (::getrandom(&drawn, sizeof drawn, 0)
        != static_cast<ssize_t>(sizeof drawn)) {
      if (errno == EINTR)
        continue;
      return error{errc::storage_failed,
                   std::string{"no random bytes: "} + std::strerror(errno)};
    }
    drawn = (hash & ~random_bits) | (drawn & random_bits);
    // A node whose hash is 0 must not get 0: that means `own_change`.
    if ((drawn & random_bits) != 0)
      return drawn;
  }
}

} // namespace panal
