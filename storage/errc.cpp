#include "storage/errc.hpp"

#include <boost/throw_exception.hpp>

#include <stdexcept>

namespace panal {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::ok:
    return "ok";
  case errc::not_found:
    return "not_found";
  case errc::expired:
    return "expired";
  case errc::stale_version:
    return "stale_version";
  case errc::storage_full:
    return "storage_full";
  case errc::storage_failed:
    return "storage_failed";
  case errc::memory_full:
    return "memory_full";
  case errc::overloaded:
    return "overloaded";
  case errc::unavailable:
    return "unavailable";
  case errc::deadline_exceeded:
    return "deadline_exceeded";
  case errc::corrupt:
    return "corrupt";
  case errc::clock_unsafe:
    return "clock_unsafe";
  case errc::rejoining:
    return "rejoining";
  case errc::conflict:
    return "conflict";
  case errc::storage_gone:
    return "storage_gone";
  case errc::unreadable:
    return "unreadable";
  }
  return "unknown";
}

void throw_exception_from_error(const error& err,
                                const boost::source_location& at) {
  boost::throw_exception(
      std::logic_error("unchecked result: " + std::string{to_string(err.code)}
                       + " " + err.detail),
      at);
}

} // namespace panal
