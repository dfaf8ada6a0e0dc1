#include "http/status.hpp"

#include <array>
#include <cstddef>

namespace panal::http {
namespace {

struct row {
  unsigned status;
  std::string_view detail;
};

// In the order of errc.
constexpr std::array<row, 16> outcomes{{
    {200, "Done"},
    {404, "Not found"},
    {404, "Expired"},
    {409, "The version is not above the current one"},
    {507, "The node's disk is full; nothing was changed"},
    {503, "The node could not store the change; nothing was changed"},
    {507, "The node's memory limit is reached; nothing was changed"},
    {503, "The node has too much to do; nothing was changed"},
    {503, "The node is starting or stopping"},
    {503, "No answer came in time; a write may have been carried out"},
    {500, "The stored entry is damaged"},
    {503, "The node's clock is too far from its peers'; nothing was changed"},
    {503, "The node is rejoining the cluster"},
    {409, "The present state does not allow it"},
    {507, "The node's data directory is gone; nothing was changed"},
    {503, "The key's entry is damaged on this node's disk, and no other node "
          "has given it yet; deleting the key makes it usable"},
}};

const row& row_of(errc code) noexcept {
  const auto i = static_cast<std::size_t>(code);
  constexpr auto unknown = static_cast<std::size_t>(errc::corrupt);
  return outcomes[i < outcomes.size() ? i : unknown];
}

} // namespace

unsigned status_of(errc code) noexcept {
  return row_of(code).status;
}

std::string_view detail_of(errc code) noexcept {
  return row_of(code).detail;
}

std::string_view reason_phrase(unsigned status) noexcept {
  switch (status) {
  case 200:
    return "OK";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 304:
    return "Not Modified";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 411:
    return "Length Required";
  case 413:
    return "Content Too Large";
  case 414:
    return "URI Too Long";
  case 415:
    return "Unsupported Media Type";
  case 417:
    return "Expectation Failed";
  case 422:
    return "Unprocessable Content";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 501:
    return "Not Implemented";
  case 503:
    return "Service Unavailable";
  case 507:
    return "Insufficient Storage";
  default:
    return "Error";
  }
}

} // namespace panal::http
