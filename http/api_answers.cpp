// What became of a request, as it is told to the client.

#include "http/api.hpp"
#include "http/cluster_page.hpp"
#include "http/health_page.hpp"
#include "http/status.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <utility>

namespace panal::http {
namespace {

// Cuts the next of a list's elements off `text`.
std::string_view next_tag(std::string_view& text) noexcept {
  const auto end = text.find(',');
  auto part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  constexpr std::string_view blank = " \t";
  part.remove_prefix(std::min(part.find_first_not_of(blank), part.size()));
  return part.substr(0, part.find_last_not_of(blank) + 1);
}

// Whether If-None-Match names `version` or anything (RFC 9110, 13.1.2).
bool matches(std::string_view if_none_match, std::int64_t version) noexcept {
  while (!if_none_match.empty()) {
    auto tag = next_tag(if_none_match);
    if (tag == "*")
      return true;
    if (tag.starts_with("W/"))
      tag.remove_prefix(2);
    if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"')
      continue;
    std::int64_t named = -1;
    const char* const end = tag.data() + tag.size() - 1;
    const auto read = std::from_chars(tag.data() + 1, end, named);
    if (read.ec == std::errc{} && read.ptr == end && named == version)
      return true;
  }
  return false;
}

std::string document(std::string_view status, std::string_view node) {
  std::string text = R"({"status":)";
  append_quoted(text, status);
  text += R"(,"node":)";
  append_quoted(text, node);
  text += '}';
  return text;
}

problem failure_of(verb what, const answer& reply) {
  auto wrong = problem_of(reply.code);
  if (reply.code == errc::stale_version)
    wrong.current_version = reply.version;
  if (what == verb::forget && reply.code == errc::not_found)
    wrong.detail = "No member has this name";
  if (what == verb::forget && reply.code == errc::conflict)
    wrong.detail = "The member is linked, or is this node itself";
  return wrong;
}

} // namespace

api::api(const options& opts, const clock& wall, const node_view& node)
    : wall_{wall},
      node_{node},
      key_bytes_max_{opts.max_key_bytes},
      value_bytes_max_{opts.max_value_bytes},
      // Room for the other members and for white space.
      body_bytes_max_{opts.max_value_bytes + std::size_t{16} * 1024},
      stored_{document("stored", opts.node_id)},
      deleted_{document("deleted", opts.node_id)},
      cleared_{document("cleared", opts.node_id)},
      node_name_{opts.node_id} {
  append_quoted(name_, opts.node_id);
}

void api::write_at_once(std::string& out, const answer_form& form,
                        const task& todo) const {
  if (todo.what == task::kind::health)
    write_health(out, form);
  else
    write_allowed(out, form, todo.allow);
}

void api::write_health(std::string& out, const answer_form& form) const {
  const auto reads = node_.gate.reads();
  std::string text;
  append_health(text, node_name_,
                reads != errc::ok ? reads : node_.gate.writes(),
                node_.conditions);
  // Who balances load looks at the status: reads are served, or nothing is.
  write_json(out, form, text, reads == errc::ok ? 200 : 503);
}

void api::write_answer(std::string& out, const answer_form& form,
                       const task& todo, const answer& reply) const {
  if (reply.code != errc::ok)
    return write_problem(out, form, failure_of(todo.op.what, reply));
  switch (todo.op.what) {
  case verb::get:
    if (!todo.kept.empty() && matches(todo.kept, reply.version))
      return write_not_modified(out, form, reply.version);
    return write_entry(out, form, reply);
  case verb::put:
    return write_done(out, form, stored_, reply, todo.op.level);
  case verb::remove:
    return write_done(out, form, deleted_, reply, todo.op.level);
  case verb::clear:
    return write_done(out, form, cleared_, reply, todo.op.level);
  case verb::report:
    return write_report(out, form, todo, reply);
  case verb::forget:
    return write_forgotten(out, form, todo);
  }
}

void api::write_report(std::string& out, const answer_form& form,
                       const task& todo, const answer& reply) const {
  if (!reply.report)
    return write_problem(out, form, problem_of(errc::unavailable));
  std::string text;
  if (todo.is_digest)
    append_digest(text, *reply.report);
  else
    append_report(text, *reply.report, node_.conditions);
  write_json(out, form, text);
}

void api::write_forgotten(std::string& out, const answer_form& form,
                          const task& todo) const {
  std::string text = R"({"status":"forgotten","member":)";
  append_quoted(text, todo.kept);
  text += R"(,"node":)" + name_ + '}';
  write_json(out, form, text);
}

} // namespace panal::http
