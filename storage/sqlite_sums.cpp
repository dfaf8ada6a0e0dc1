#include "storage/sqlite_sums.hpp"

#include "storage/checksum.hpp"

#include <bit>

namespace panal::sqlite {

namespace {

constexpr int row_sum_arguments = 4;
constexpr int any_arguments = -1;

std::uint64_t bits_of(sqlite3_value* value) noexcept {
  return std::bit_cast<std::uint64_t>(sqlite3_value_int64(value));
}

std::string_view bytes_of(sqlite3_value* value) noexcept {
  const auto* data = static_cast<const char*>(sqlite3_value_blob(value));
  const auto size = sqlite3_value_bytes(value);
  return {data == nullptr ? "" : data, static_cast<std::size_t>(size)};
}

void answer(sqlite3_context* to, std::uint64_t sum) noexcept {
  sqlite3_result_int64(to, std::bit_cast<sqlite3_int64>(sum));
}

void sum_row(sqlite3_context* to, int, sqlite3_value** of) noexcept {
  answer(to, row_sum(bits_of(of[0]), bytes_of(of[1]), bytes_of(of[2]),
                     bits_of(of[3])));
}

void sum_all(sqlite3_context* to, int count, sqlite3_value** of) noexcept {
  checksum sum;
  for (auto i = 0; i < count; ++i) {
    if (sqlite3_value_type(of[i]) == SQLITE_INTEGER)
      sum.add(bits_of(of[i]));
    else
      sum.add(bytes_of(of[i]));
  }
  answer(to, sum.value());
}

} // namespace

result<void> define_sums(const connection& db) {
  if (auto done = db.define("row_sum", row_sum_arguments, &sum_row); !done)
    return done;
  return db.define("sum_of", any_arguments, &sum_all);
}

} // namespace panal::sqlite
