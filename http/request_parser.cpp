#include "http/request_parser.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <utility>

namespace panal::http {
namespace {

namespace beast = boost::beast;

method method_of(beast::http::verb v) noexcept {
  switch (v) {
  case beast::http::verb::get:
    return method::get;
  case beast::http::verb::head:
    return method::head;
  case beast::http::verb::put:
    return method::put;
  case beast::http::verb::delete_:
    return method::remove;
  case beast::http::verb::options:
    return method::options;
  case beast::http::verb::connect:
    return method::connect;
  case beast::http::verb::trace:
    return method::trace;
  case beast::http::verb::post:
  case beast::http::verb::patch:
    return method::unused;
  default:
    return method::unknown;
  }
}

std::string_view to_std(beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

problem bad_request(std::string detail) {
  return {.status = 400, .type = "bad_request", .detail = std::move(detail)};
}

// A field that may stand in a header once.
struct single_field {
  unsigned count = 0;
  std::string_view value;

  void add(std::string_view v) noexcept {
    ++count;
    value = v;
  }
};

// Notes the few fields that matter. It is told to skip the body, so the
// functions about bodies are never called.
class parser final : public beast::http::basic_parser<true> {
public:
  explicit parser(request_head& head) : head_{head} {
    skip(true);
    header_limit(std::numeric_limits<std::uint32_t>::max());
    body_limit(boost::none);
  }

  single_field host, length, encoding, expect, authorization;
  bool type_twice = false;

private:
  void on_request_impl(beast::http::verb v, beast::string_view,
                       beast::string_view target, int version,
                       beast::error_code&) override {
    head_.verb = method_of(v);
    head_.target = to_std(target);
    head_.version = version;
  }

  void on_field_impl(beast::http::field name, beast::string_view,
                     beast::string_view text, beast::error_code&) override {
    const auto value = to_std(text);
    switch (name) {
    case beast::http::field::host:
      return host.add(value);
    case beast::http::field::content_length:
      return length.add(value);
    case beast::http::field::transfer_encoding:
      return encoding.add(value);
    case beast::http::field::expect:
      return expect.add(value);
    case beast::http::field::authorization:
      return authorization.add(value);
    case beast::http::field::content_type:
      type_twice = head_.content_type.has_value();
      head_.content_type = value;
      return;
    case beast::http::field::if_none_match:
      head_.if_none_match = value;
      return;
    default:
      return;
    }
  }

  void on_header_impl(beast::error_code&) override {}
  void on_response_impl(int, beast::string_view, int,
                        beast::error_code&) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>&,
                         beast::error_code&) override {}
  std::size_t on_body_impl(beast::string_view, beast::error_code&) override {
    return 0;
  }
  void on_chunk_header_impl(std::uint64_t, beast::string_view,
                            beast::error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view,
                                 beast::error_code&) override {
    return 0;
  }
  void on_finish_impl(beast::error_code&) override {}

  request_head& head_;
};

// RFC 9112, section 6: no chunked uploads here, and whatever else says where
// a body ends in two ways is how requests are smuggled.
std::optional<problem> check_framing(const parser& in, request_head& head) {
  if (in.encoding.count > 0) {
    const bool only_chunked =
        in.encoding.count == 1 && in.length.count == 0 && head.version == 11
        && beast::iequals(beast::string_view{in.encoding.value.data(),
                                             in.encoding.value.size()},
                          "chunked");
    if (!only_chunked)
      return bad_request("Transfer-Encoding is not accepted");
    return problem{.status = 411,
                   .type = "length_required",
                   .detail = "A body must come with a Content-Length"};
  }
  if (in.length.count == 0)
    return std::nullopt;
  const auto text = in.length.value;
  const auto [end, ec] =
      std::from_chars(text.data(), text.data() + text.size(), head.body_bytes);
  if (in.length.count > 1 || ec != std::errc{}
      || end != text.data() + text.size())
    return bad_request("Content-Length must be one number");
  return std::nullopt;
}

std::optional<problem> check_host(const parser& in, request_head& head) {
  if (in.host.count == 0 && head.version == 10)
    return std::nullopt;
  if (in.host.count != 1 || !is_authority(in.host.value))
    return bad_request("The request must have one valid Host");
  head.host = in.host.value;
  return std::nullopt;
}

std::optional<problem> check_expectation(const parser& in, request_head& head) {
  if (in.expect.count == 0 || head.version == 10)
    return std::nullopt;
  head.expect_continue =
      in.expect.count == 1
      && beast::iequals(
          beast::string_view{in.expect.value.data(), in.expect.value.size()},
          "100-continue");
  if (head.expect_continue)
    return std::nullopt;
  return problem{.status = 417,
                 .type = "expectation_failed",
                 .detail = "Only 100-continue can be expected"};
}

// Leaves origin-form ("/path"), or "*", in head.target (RFC 9112, 3.2).
std::optional<problem> check_target(request_head& head) {
  auto& target = head.target;
  const auto refuse = [] { return bad_request("The target is malformed"); };
  const auto forbidden = [](char c) {
    return static_cast<unsigned char>(c) >= 0x80 || c == '#' || c == '\\'
           || c == '"';
  };
  if (std::any_of(target.begin(), target.end(), forbidden))
    return refuse();
  if (head.verb == method::connect)
    return is_authority(target) ? std::nullopt : std::optional{refuse()};
  if (target.starts_with('/'))
    return std::nullopt;
  if (target == "*")
    return head.verb == method::options ? std::nullopt
                                        : std::optional{refuse()};
  constexpr std::string_view scheme = "http://";
  if (!beast::iequals(
          beast::string_view{target.data(),
                             std::min(target.size(), scheme.size())},
          beast::string_view{scheme.data(), scheme.size()}))
    return refuse();
  target.remove_prefix(scheme.size());
  const auto end = std::min(target.find_first_of("/?"), target.size());
  if (!is_authority(target.substr(0, end)))
    return refuse();
  target.remove_prefix(end);
  if (target.empty())
    target = head.verb == method::options ? "*" : "/";
  return std::nullopt;
}

} // namespace

bool is_authority(std::string_view text) noexcept {
  const auto is_alnum = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
  };
  std::size_t end = 0;
  if (text.starts_with('[')) {
    end = text.find(']');
    if (end == std::string_view::npos || end < 3)
      return false;
    for (const char c : text.substr(1, end - 1))
      if (!is_alnum(c) && c != ':' && c != '.')
        return false;
    ++end;
  } else {
    constexpr std::string_view others = "-._~%!$&'()*+,;=";
    while (end < text.size()
           && (is_alnum(text[end])
               || others.find(text[end]) != std::string_view::npos))
      ++end;
  }
  if (end == 0)
    return false;
  const auto port = text.substr(end);
  return port.empty()
         || (port[0] == ':' && port.size() <= 6
             && port.find_first_not_of("0123456789", 1)
                    == std::string_view::npos);
}

std::optional<problem> parse_head(std::string_view bytes, request_head& head) {
  parser in{head};
  beast::error_code ec;
  const auto used = in.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
  if (ec || used != bytes.size())
    return bad_request("The request's header is malformed");
  head.keep_alive = in.keep_alive();
  if (auto wrong = check_framing(in, head))
    return wrong;
  if (auto wrong = check_target(head))
    return wrong;
  if (auto wrong = check_host(in, head))
    return wrong;
  if (in.authorization.count == 1)
    head.authorization = in.authorization.value;
  if (in.type_twice)
    return bad_request("Content-Type stands twice");
  return check_expectation(in, head);
}

} // namespace panal::http
