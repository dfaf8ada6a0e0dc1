#include "http/cluster_page.hpp"

#include "http/health_page.hpp"
#include "http/hex.hpp"
#include "http/json_object.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace panal::http {
namespace {

void add_identity(json_object& page, const cluster_identity& who) {
  if (!who)
    return page.null("identity");
  json_object one{page.member("identity")};
  one.hex("id", who.id);
  one.moment("born_at", time_of(stamp{who.born, 0}));
  one.close();
}

void add_line(json_object& page, const cluster_report& what) {
  if (what.line == 0)
    page.null("line");
  else
    page.hex("line", what.line);
  page.moment("line_at", what.line == 0 ? std::optional<unix_ms>{}
                                        : time_of(stamp{what.line, 0}));
  page.number("line_age_ms", what.line_age_ms);
  page.text_or_null("line_blocked_by", what.line_blocked_by);
  page.text_or_null("line_blocked_why", what.line_blocked_why);
  page.number("tombstones", what.tombstones);
}

void add_cleared(json_object& page, const stamp& at) {
  if (at == stamp{}) {
    page.null("cleared");
    return page.null("cleared_at");
  }
  auto& out = page.member("cleared");
  out += '"';
  append_stamp(out, at);
  out += '"';
  page.moment("cleared_at", time_of(at));
}

void add_counters(json_object& page, const cluster_report& what) {
  json_object counters{page.member("counters")};
  counters.number("set_aside", what.set_aside);
  counters.number("refused_below_line", what.refused_below_line);
  counters.number("frames_refused", what.frames_refused);
  counters.number("lines_refused", what.lines_refused);
  counters.number("repair_rounds", what.repair_rounds);
  counters.number("repair_differences", what.repair_differences);
  counters.number("repaired_keys", what.repaired_keys);
  counters.number("reissued", what.reissued);
  counters.number("reissue_refused", what.reissue_refused);
  counters.close();
}

void append_member(std::string& out, const member_report& who) {
  json_object one{out};
  one.text("name", who.name);
  one.hex("origin", who.origin);
  one.text("address", who.address);
  one.text("state", to_string(who.state));
  one.number("acknowledged", who.acknowledged);
  one.number("lag_changes", who.lag_changes);
  one.number("lag_ms", who.lag_ms);
  one.number("merged", who.merged);
  if (who.clock_offset_ms)
    one.number("clock_offset_ms", *who.clock_offset_ms);
  else
    one.null("clock_offset_ms");
  one.moment("in_sync_at", who.in_sync_at);
  one.close();
}

void add_members(json_object& page, const cluster_report& what) {
  auto& out = page.member("members");
  out += '[';
  for (const auto& who : what.members) {
    if (&who != &what.members.front())
      out += ',';
    append_member(out, who);
  }
  out += ']';
}

} // namespace

void append_report(std::string& out, const cluster_report& what,
                   const node_conditions& of) {
  json_object page{out};
  page.text("node", what.node);
  page.text("cluster", what.cluster);
  page.hex("origin", what.origin);
  page.hex("run", what.run);
  add_identity(page, what.identity);
  page.text("status",
            what.status == "ok" && of.any() ? "degraded" : what.status);
  add_reasons(page, of);
  add_figures(page, of);
  page.number("last", what.last);
  page.number("keys", what.keys);
  add_line(page, what);
  add_cleared(page, what.cleared);
  page.hex("digest_root", what.digest_root);
  page.number("clock_from_median_ms", what.clock_from_median_ms);
  add_counters(page, what);
  add_members(page, what);
  page.close();
}

void append_digest(std::string& out, const cluster_report& what) {
  json_object page{out};
  page.text("node", what.node);
  page.hex("root", what.digest_root);
  page.member("children") += '[';
  for (std::size_t i = 0; i < what.digest_children.size(); ++i) {
    out += i == 0 ? "\"" : ",\"";
    append_hex(out, what.digest_children[i]);
    out += '"';
  }
  out += ']';
  page.number("keys", what.keys);
  page.close();
}

} // namespace panal::http
