#include "http/response.hpp"

#include "http/hex.hpp"
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

constexpr std::string_view retry_after = "Retry-After: 1\r\n";

void append_head(std::string& out, unsigned status, std::string_view type,
                 std::size_t bytes) {
  out += "HTTP/1.1 ";
  append_number(out, status);
  out += ' ';
  out += reason_phrase(status);
  out += "\r\nContent-Type: ";
  out += type;
  out += "\r\nContent-Length: ";
  append_number(out, bytes);
  out += "\r\n";
}

void append_standing(std::string& out, const answer& done) {
  out += "Panal-Stamp: ";
  append_stamp(out, done.at);
  out += "\r\nPanal-Durability: ";
  out += to_string(done.reached);
  out += "\r\n\r\n";
}

// The write's document with what was reached.
std::string continued(std::string_view document, const answer& done,
                      write_level asked) {
  std::string text{document.substr(0, document.size() - 1)};
  text += R"(,"durability":")";
  text += to_string(done.reached);
  if (done.reached < asked) {
    text += R"(","requested":")";
    text += to_string(asked);
  }
  text += '"';
  if (asked >= write_level::quorum) {
    text += R"(,"members_reached":)";
    append_number(text, done.members_reached);
    text += R"(,"members":)";
    append_number(text, done.members);
  }
  text += '}';
  return text;
}

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
                std::string_view document, unsigned status) {
  append_head(out, status, "application/json", document.size());
  append_common(out, form);
  if (status == 503)
    out += retry_after;
  out += "\r\n";
  if (!form.head_only)
    out += document;
}

void write_done(std::string& out, const answer_form& form,
                std::string_view document, const answer& done,
                std::optional<write_level> asked) {
  const auto wanted = asked.value_or(write_level::memory);
  if (wanted < write_level::quorum && done.reached >= wanted) {
    out += ok_json;
    append_number(out, document.size());
    out += "\r\n";
    append_common(out, form);
    append_standing(out, done);
    out += document;
    return;
  }
  const auto text = continued(document, done, wanted);
  append_head(out, done.reached < wanted ? 202 : 200, "application/json",
              text.size());
  append_common(out, form);
  append_standing(out, done);
  out += text;
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
  append_head(out, what.status, "application/problem+json", document.size());
  append_common(out, form);
  if (what.status == 401)
    out += "WWW-Authenticate: Bearer realm=\"panal\"\r\n";
  if (!what.allow.empty()) {
    out += "Allow: ";
    out += what.allow;
    out += "\r\n";
  }
  if (what.status == 503)
    out += retry_after;
  out += "\r\n";
  if (!form.head_only)
    out += document;
}

} // namespace panal::http
