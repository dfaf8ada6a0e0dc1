#include "http/api.hpp"

#include "http/admission.hpp"
#include "http/json.hpp"
#include "http/key.hpp"
#include "http/time_format.hpp"

#include <boost/beast/core/string.hpp>

#include <cstddef>
#include <utility>

namespace panal::http {
namespace {

bool same_word(std::string_view a, std::string_view b) noexcept {
  return boost::beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// Cuts what stands before the first `at` off `text`.
std::string_view cut(std::string_view& text, char at) noexcept {
  const auto end = text.find(at);
  const auto part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return trim(part);
}

// application/json or a +json type, with no parameter but charset=utf-8.
bool is_json(std::string_view content_type) noexcept {
  const auto type = cut(content_type, ';');
  constexpr std::string_view tree = "application/";
  constexpr std::string_view suffix = "+json";
  const bool fits =
      same_word(type, "application/json")
      || (type.size() > tree.size() + suffix.size()
          && same_word(type.substr(0, tree.size()), tree)
          && same_word(type.substr(type.size() - suffix.size()), suffix));
  while (fits && !content_type.empty()) {
    const auto parameter = cut(content_type, ';');
    if (!parameter.empty() && !same_word(parameter, "charset=utf-8")
        && !same_word(parameter, "charset=\"utf-8\""))
      return false;
  }
  return fits;
}

// Longer than any node's name.
constexpr std::size_t member_bytes_max = 64;

verb verb_of(method m) noexcept {
  if (m == method::put)
    return verb::put;
  return m == method::remove ? verb::remove : verb::get;
}

problem key_problem(key_error error) {
  switch (error) {
  case key_error::empty:
    return {.status = 400, .type = "bad_key", .detail = "The key is empty"};
  case key_error::too_long:
    return {
        .status = 414, .type = "key_too_long", .detail = "The key is too long"};
  case key_error::bad_escape:
    return {.status = 400,
            .type = "bad_key",
            .detail = "The key has a malformed percent-escape"};
  case key_error::not_utf8:
    return {.status = 400,
            .type = "bad_key",
            .detail = "The key is not valid UTF-8"};
  default:
    return {.status = 400,
            .type = "bad_key",
            .detail = "The key has a control character"};
  }
}

problem body_problem(put_body&& body) {
  const bool is_member = body.error == body_error::bad_member;
  return {.status = is_member ? 422u : 400u,
          .type = is_member ? "bad_member" : "bad_body",
          .detail = std::string{body.detail},
          .field = std::move(body.field)};
}

} // namespace

std::optional<problem> api::read_head(const request_head& head,
                                      task& todo) const {
  route to;
  if (auto wrong = find_route(head, to))
    return wrong;
  if (head.verb == method::options) {
    todo.what = task::kind::allowed_methods;
    todo.allow = allowed_methods(to.what);
    return std::nullopt;
  }
  switch (to.what) {
  case resource::health:
    todo.what = task::kind::health;
    return std::nullopt;
  case resource::cluster:
  case resource::digest:
    todo.op.what = verb::report;
    todo.is_digest = to.what == resource::digest;
    return std::nullopt;
  case resource::member:
    return read_member(head, to, todo);
  case resource::cache:
    todo.op.what = verb::clear;
    todo.op.level = to.level;
    return std::nullopt;
  default:
    return read_entry(head, to, todo);
  }
}

std::optional<problem> api::read_entry(const request_head& head,
                                       const route& to, task& todo) const {
  todo.op.what = verb_of(head.verb);
  todo.op.level = to.level;
  const auto error = decode_key(to.raw_name, key_bytes_max_, todo.op.key);
  if (error != key_error::none)
    return key_problem(error);
  if (todo.op.what == verb::put && head.content_type
      && !is_json(*head.content_type))
    return problem{.status = 415,
                   .type = "unsupported_media_type",
                   .detail = "The body must be application/json in UTF-8"};
  if (todo.op.what == verb::get)
    todo.kept = head.if_none_match;
  return std::nullopt;
}

std::optional<problem> api::read_member(const request_head& head,
                                        const route& to, task& todo) const {
  if (auto wrong = check_admission(head, node_))
    return wrong;
  todo.op.what = verb::forget;
  if (decode_key(to.raw_name, member_bytes_max, todo.op.key) != key_error::none)
    return problem{.status = 400,
                   .type = "bad_request",
                   .detail = "The path has no name of a member"};
  todo.kept = todo.op.key;
  return std::nullopt;
}

std::optional<problem> api::read_body(std::string_view body, task& todo) const {
  if (todo.what != task::kind::operation || todo.op.what != verb::put)
    return std::nullopt;
  auto put = parse_put_body(body);
  if (put.error != body_error::none)
    return body_problem(std::move(put));
  if (put.value.size() > value_bytes_max_)
    return problem{.status = 413,
                   .type = "value_too_large",
                   .detail = "The value is too large"};
  if (put.ttl_ms > last_expiry - wall_.now())
    return problem{.status = 422,
                   .type = "bad_member",
                   .detail = "The expiry would lie beyond the year 9999",
                   .field = "ttl_ms"};
  todo.op.value = put.value;
  todo.op.version = put.version;
  todo.op.ttl_ms = put.ttl_ms;
  return std::nullopt;
}

} // namespace panal::http
