#include "http/json.hpp"

#include "http/number_hiding_stream.hpp"
#include "http/problem.hpp"

#include <rapidjson/reader.h>

#include <charconv>
#include <cstddef>
#include <optional>
#include <set>

namespace panal::http {
namespace {

enum class json_type : std::uint8_t { number, other };

// A member of the body: where its text stands, once it was seen.
struct member {
  bool seen = false;
  json_type type = json_type::other;
  std::string_view text;
};

// The escape \udc00 without its other half passes the reader, which writes
// it out as the bytes ED B0 80; in what was sent as bytes that is refused
// already. So any ED A0 and above comes from such an escape.
bool has_lone_surrogate(std::string_view text) noexcept {
  for (auto i = text.find('\xed'); i != std::string_view::npos;
       i = text.find('\xed', i + 1))
    if (i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) >= 0xa0)
      return true;
  return false;
}

// Gets the reader's events and notes what the top level holds. Returning
// false from an event ends the reading.
class member_finder
    : public rapidjson::BaseReaderHandler<rapidjson::UTF8<>, member_finder> {
public:
  explicit member_finder(const number_hiding_stream& in) : in_{in} {}

  // Null, Bool; numbers are Uint, for the reader sees only zeros.
  bool Default() { return scalar(json_type::other); }
  bool Uint(unsigned) { return scalar(json_type::number); }
  bool String(const char* text, rapidjson::SizeType n, bool) {
    return !has_lone_surrogate({text, n}) && scalar(json_type::other);
  }
  bool StartObject() { return open(); }
  bool StartArray() { return open(); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  bool Key(const char* text, rapidjson::SizeType n, bool) {
    const std::string_view name{text, n};
    if (has_lone_surrogate(name))
      return false;
    if (depth_ != 1 || !is_object_)
      return true;
    current_ = find(name);
    if (current_ == nullptr)
      return note_unknown(name);
    if (current_->seen)
      return fail("A member's name appears twice");
    current_->seen = true;
    value_from_ = in_.Tell();
    return true;
  }

  bool is_object() const noexcept { return is_object_; }
  std::string_view why() const noexcept { return why_; }
  const std::optional<std::string>& first_unknown() const noexcept {
    return first_unknown_;
  }

  member value, version, ttl_ms;

private:
  member* find(std::string_view name) noexcept {
    if (name == "value")
      return &value;
    if (name == "version")
      return &version;
    if (name == "ttl_ms")
      return &ttl_ms;
    return nullptr;
  }

  bool note_unknown(std::string_view name) {
    if (!first_unknown_)
      first_unknown_ = name;
    if (!unknown_.emplace(name).second)
      return fail("A member's name appears twice");
    return true;
  }

  bool fail(std::string_view why) noexcept {
    why_ = why;
    return false;
  }

  // The reader takes the bracket only after this event.
  bool open() {
    if (depth_ == 0)
      is_object_ = in_.text()[in_.Tell()] == '{';
    if (++depth_ > value_depth_max + 1)
      return fail("The value is nested too deeply");
    return true;
  }

  bool close() {
    if (--depth_ == 1)
      finish(json_type::other, in_.Tell() + 1);
    return true;
  }

  bool scalar(json_type type) {
    if (depth_ == 1)
      finish(type, in_.Tell());
    return true;
  }

  // A member's value ends at `end`: what stands after the colon is its text.
  void finish(json_type type, std::size_t end) {
    if (current_ == nullptr)
      return;
    auto text = in_.text().substr(value_from_, end - value_from_);
    text.remove_prefix(text.find(':') + 1);
    text.remove_prefix(text.find_first_not_of(" \t\r\n"));
    current_->text = text;
    current_->type = type;
    current_ = nullptr;
  }

  const number_hiding_stream& in_;
  unsigned depth_ = 0;
  bool is_object_ = false;
  member* current_ = nullptr;
  std::size_t value_from_ = 0;
  std::string_view why_ = "The body is not valid JSON";
  std::optional<std::string> first_unknown_;
  std::set<std::string, std::less<>> unknown_;
};

void refuse(put_body& out, body_error error, std::string_view field,
            std::string_view detail) {
  out.error = error;
  out.field = repeatable(field);
  out.detail = detail;
}

// Reads an integer member into `out`; false after refusing it.
bool read_integer(const member& from, std::string_view name,
                  std::int64_t lowest, put_body& body, std::int64_t& out) {
  if (from.type != json_type::number) {
    refuse(body, body_error::bad_member, name, "The member must be an integer");
    return false;
  }
  const char* const end = from.text.data() + from.text.size();
  const auto [stop, ec] = std::from_chars(from.text.data(), end, out);
  if (ec != std::errc{} || stop != end || from.text == "-0") {
    refuse(body, body_error::not_an_integer, name,
           "The member must be written as an integer of 64 bits");
    return false;
  }
  if (out < lowest) {
    refuse(body, body_error::bad_member, name, "The member is out of range");
    return false;
  }
  return true;
}

void read_members(const member_finder& found, put_body& out) {
  if (!found.is_object())
    return refuse(out, body_error::bad_member, {},
                  "The body must be a JSON object");
  if (found.first_unknown())
    return refuse(out, body_error::bad_member, *found.first_unknown(),
                  "The body has a member that is not known here");
  if (!found.value.seen)
    return refuse(out, body_error::bad_member, "value",
                  "The member is missing");
  if (!found.version.seen)
    return refuse(out, body_error::bad_member, "version",
                  "The member is missing");
  out.value = found.value.text;
  if (!read_integer(found.version, "version", 0, out, out.version))
    return;
  if (found.ttl_ms.seen)
    read_integer(found.ttl_ms, "ttl_ms", 1, out, out.ttl_ms);
}

} // namespace

put_body parse_put_body(std::string_view body) {
  constexpr unsigned flags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  put_body out;
  number_hiding_stream in{body};
  member_finder found{in};
  rapidjson::Reader reader;
  const auto read = reader.Parse<flags>(in, found);
  if (read.IsError() || !in.whole())
    refuse(out, body_error::not_json, {}, found.why());
  else
    read_members(found, out);
  return out;
}

} // namespace panal::http
