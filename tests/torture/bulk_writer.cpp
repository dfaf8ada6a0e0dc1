#include "tests/torture/bulk_writer.hpp"

#include <algorithm>
#include <string_view>

namespace panal::torture {

using test::milliseconds;
using test::text;

namespace {

constexpr std::size_t depth = 128;
constexpr milliseconds patience{10'000};
constexpr std::string_view accepted = "HTTP/1.1 20";

/// Counts answers in a stream of bytes that comes in any pieces.
class answer_counter {
public:
  void take(std::string_view bytes) {
    rest_ += bytes;
    std::size_t at = 0;
    for (auto next = rest_.find("HTTP/1.1 ", at); next != std::string::npos;
         next = rest_.find("HTTP/1.1 ", at)) {
      if (rest_.size() - next < accepted.size())
        break;
      ++all;
      good += rest_.compare(next, accepted.size(), accepted) == 0 ? 1U : 0U;
      at = next + accepted.size();
    }
    // The beginning of the next status line may be there already.
    rest_.erase(0, std::max(at, rest_.size()
                                    - std::min(rest_.size(), accepted.size())));
  }

  std::size_t all = 0;
  std::size_t good = 0;

private:
  std::string rest_;
};

} // namespace

std::size_t write_bulk(const test::endpoint& to, const bulk& what) {
  auto link = test::connection::open(to);
  if (!link)
    return 0;
  const auto value = text('"', std::string(what.value_bytes, 'v'), '"');
  const auto body = test::put_body(value, what.version);
  answer_counter answers;
  std::size_t sent = 0;
  std::string bytes;
  while (answers.all < what.count) {
    bytes.clear();
    for (; sent < what.count && sent - answers.all < depth; ++sent)
      bytes += test::request_bytes(
          "PUT", text("/cache/", what.prefix, what.first + sent), body);
    if (!bytes.empty() && !link->send(bytes, patience))
      break;
    std::string came;
    if (link->receive(came, patience) != test::read_end::bytes)
      break;
    answers.take(came);
  }
  return answers.good;
}

} // namespace panal::torture
