#include "http/response.hpp"

#include "http/status.hpp"
#include "http/time_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace panal::http {
namespace {

template <class Integer>
void append_number(std::string& out, Integer n) {
  std::array<char, 20> text;
  const auto done = std::to_chars(text.data(), text.data() + text.size(), n);
  out.append(text.data(), static_cast<std::size_t>(done.ptr - text.data()));
}

void append_common(std::string& out, const answer_form& form) {
  out += form.date_line;
  if (form.close)
    out += "Connection: close\r\n";
  else if (form.say_keep_alive)
    out += "Connection: keep-alive\r\n";
}

void append_etag(std::string& out, std::int64_t version) {
  out += "ETag: \"";
  append_number(out, version);
  out += "\"\r\n";
}

constexpr std::string_view ok_json = "HTTP/1.1 200 OK\r\n"
                                     "Content-Type: application/json\r\n"
                                     "Content-Length: ";

} // namespace

void write_entry(std::string& out, const answer_form& form,
                 const answer& entry) {
  constexpr std::string_view before = R"({"value":)";
  // What follows the value; its parts have a bounded length.
  std::array<char, 96> room;
  std::string timestamp;
  std::string_view tail{R"(,"version":)"};
  auto* to = std::copy(tail.begin(), tail.end(), room.data());
  to = std::to_chars(to, room.data() + room.size(), entry.version).ptr;
  tail = R"(,"expires_at":null})";
  if (entry.expires_at != never) {
    timestamp = R"(,"expires_at":")";
    append_timestamp(timestamp, entry.expires_at);
    timestamp += "\"}";
    tail = timestamp;
  }
  to = std::copy(tail.begin(), tail.end(), to);
  const std::string_view after{room.data(),
                               static_cast<std::size_t>(to - room.data())};
  const auto bytes = before.size() + entry.value.size() + after.size();

  constexpr std::size_t header_room = 256;
  out.reserve(out.size() + bytes + header_room);
  out += ok_json;
  append_number(out, bytes);
  out += "\r\n";
  append_common(out, form);
  append_etag(out, entry.version);
  out += "\r\n";
  if (form.head_only)
    return;
  out += before;
  out += entry.value;
  out += after;
}

void write_json(std::string& out, const answer_form& form,
                std::string_view document) {
  out += ok_json;
  append_number(out, document.size());
  out += "\r\n";
  append_common(out, form);
  out += "\r\n";
  if (!form.head_only)
    out += document;
}

void write_not_modified(std::string& out, const answer_form& form,
                        std::int64_t version) {
  out += "HTTP/1.1 304 Not Modified\r\n";
  append_common(out, form);
  append_etag(out, version);
  out += "\r\n";
}

void write_allowed(std::string& out, const answer_form& form,
                   std::string_view methods) {
  out += "HTTP/1.1 204 No Content\r\nAllow: ";
  out += methods;
  out += "\r\n";
  append_common(out, form);
  out += "\r\n";
}

void write_problem(std::string& out, const answer_form& form,
                   const problem& what) {
  std::string document;
  append_document(document, what);
  out += "HTTP/1.1 ";
  append_number(out, what.status);
  out += ' ';
  out += reason_phrase(what.status);
  out += "\r\nContent-Type: application/problem+json\r\nContent-Length: ";
  append_number(out, document.size());
  out += "\r\n";
  append_common(out, form);
  if (!what.allow.empty()) {
    out += "Allow: ";
    out += what.allow;
    out += "\r\n";
  }
  if (what.status == 503)
    out += "Retry-After: 1\r\n";
  out += "\r\n";
  if (!form.head_only)
    out += document;
}

} // namespace panal::http
