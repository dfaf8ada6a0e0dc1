#include "http/problem.hpp"

#include "http/key.hpp"
#include "http/status.hpp"

namespace panal::http {

problem problem_of(errc code) {
  problem what;
  what.status = status_of(code);
  what.type = to_string(code);
  what.detail = detail_of(code);
  return what;
}

std::string repeatable(std::string_view name) {
  constexpr std::size_t bytes_max = 64;
  return name.size() <= bytes_max && is_utf8(name) ? std::string{name}
                                                   : std::string{};
}

void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 0xf];
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_document(std::string& out, const problem& what) {
  out += R"({"type":"urn:panal:problem:)";
  out += what.type;
  out += R"(","title":")";
  out += reason_phrase(what.status);
  out += R"(","status":)";
  out += std::to_string(what.status);
  out += R"(,"detail":)";
  append_quoted(out, what.detail);
  if (!what.field.empty()) {
    out += R"(,"field":)";
    append_quoted(out, what.field);
  }
  if (what.current_version) {
    out += R"(,"current_version":)";
    out += std::to_string(*what.current_version);
  }
  out += '}';
}

} // namespace panal::http
