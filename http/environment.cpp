#include "http/environment.hpp"

#include "http/time_format.hpp"

namespace panal::http {

environment::environment(const options& o, const clock& wall,
                         const node_view& node)
    : opts{o}, rules{o, wall, node}, wall_{wall} {
  refresh();
}

void environment::refresh() {
  const auto second = wall_.now() / 1000;
  if (second == second_)
    return;
  second_ = second;
  date_line = "Date: ";
  append_http_date(date_line, second * 1000);
  date_line += "\r\n";
}

} // namespace panal::http
