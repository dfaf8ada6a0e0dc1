#include "http/health_page.hpp"

#include "http/status.hpp"

namespace panal::http {
namespace {

// What a health check is told of a node that does not serve in full.
std::string_view reason_of(errc code) noexcept {
  switch (code) {
  case errc::rejoining:
    return "The node takes the cluster's state over before it serves";
  case errc::clock_unsafe:
    return "The node's clock is too far from its peers'; it serves reads alone";
  default:
    return detail_of(code);
  }
}

} // namespace

std::string_view status_word(errc refused, bool is_degraded) noexcept {
  if (refused != errc::ok)
    return to_string(refused);
  return is_degraded ? "degraded" : "ok";
}

void add_reasons(json_object& page, const node_conditions& of) {
  auto& out = page.member("reasons");
  char before = '[';
  for (const auto& why : of.stated()) {
    out += std::exchange(before, ',');
    json_object one{out};
    one.text("name", to_string(why.what));
    one.text("detail", why.detail);
    if (why.count)
      one.number("count", *why.count);
    one.close();
  }
  out += before == '[' ? "[]" : "]";
}

void add_figures(json_object& page, const node_conditions& of) {
  json_object figures{page.member("figures")};
  for (const auto& one : of.figures())
    figures.number(to_string(one.what), one.value);
  figures.close();
}

void append_health(std::string& out, std::string_view node, errc refused,
                   const node_conditions& of) {
  json_object page{out};
  const bool is_degraded = of.any();
  page.text("node", node);
  page.text("status", status_word(refused, is_degraded));
  if (refused != errc::ok)
    page.text("reason", reason_of(refused));
  if (is_degraded)
    add_reasons(page, of);
  // A node that is well says no more than it always did.
  if ((is_degraded || refused != errc::ok) && !of.figures().empty())
    add_figures(page, of);
  page.close();
}

} // namespace panal::http
