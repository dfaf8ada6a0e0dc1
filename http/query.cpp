#include "http/query.hpp"

#include "http/key.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace panal::http {
namespace {

// Longer than any name or value that means something.
constexpr std::size_t word_bytes_max = 64;

problem bad_parameter(std::string_view name, std::string detail) {
  return {.status = 400,
          .type = "bad_request",
          .detail = std::move(detail),
          .field = repeatable(name)};
}

// Cuts what stands before the first `at` off `text`.
std::string_view cut(std::string_view& text, char at) noexcept {
  const auto end = text.find(at);
  const auto part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

std::optional<write_level> level_named(std::string_view name) noexcept {
  for (const auto level :
       {write_level::memory, write_level::disk, write_level::sync,
        write_level::quorum, write_level::all})
    if (name == to_string(level))
      return level;
  return std::nullopt;
}

} // namespace

std::optional<problem> read_query(std::string_view query, bool is_write,
                                  std::optional<write_level>& level) {
  while (!query.empty()) {
    auto value = cut(query, '&');
    const auto raw_name = cut(value, '=');
    std::string name;
    std::string word;
    if (!is_write
        || decode_key(raw_name, word_bytes_max, name) != key_error::none
        || name != "durability")
      return bad_parameter(raw_name, "A query parameter is not known here");
    if (level)
      return bad_parameter(name, "The query parameter stands twice");
    if (decode_key(value, word_bytes_max, word) == key_error::none)
      level = level_named(word);
    if (!level)
      return bad_parameter(name, "The query parameter durability must be "
                                 "memory, disk, sync, quorum or all");
  }
  return std::nullopt;
}

} // namespace panal::http
