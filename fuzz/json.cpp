// http/json: what a body's value is must not depend on how the body is
// written, and what is let through is JSON to another reader as well.

#include "http/json.hpp"

#include "fuzz/input.hpp"
#include "http/key.hpp"

#include <rapidjson/error/error.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

#include <string>

using namespace panal;
using namespace panal::http;

namespace {

/// Whether RapidJSON, reading the bytes themselves, takes them as well; of
/// numbers it refuses those that no double can hold.
bool is_json_to_rapidjson(std::string_view text) {
  constexpr unsigned flags =
      rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream in{text.data(), text.size()};
  rapidjson::BaseReaderHandler<> nobody;
  const auto read = rapidjson::Reader{}.Parse<flags>(in, nobody);
  return !read.IsError() || read.Code() == rapidjson::kParseErrorNumberTooBig;
}

/// The deepest nesting of brackets outside of strings.
unsigned depth_of(std::string_view json) {
  unsigned depth = 0;
  unsigned deepest = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = ++depth > deepest ? depth : deepest;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

/// A body with this value and these numbers, written in our own way.
std::string write_body(const put_body& said) {
  auto text = "{\"ttl_ms\":" + std::to_string(said.ttl_ms) + ",\n\"value\" : ";
  text.append(said.value);
  return text + "\t,\"version\":" + std::to_string(said.version) + "} ";
}

void check_taken(std::string_view body, const put_body& said) {
  PANAL_HOLDS(said.version >= 0 && said.ttl_ms >= 0);
  PANAL_HOLDS(is_utf8(body));
  const auto value = said.value;
  PANAL_HOLDS(!value.empty() && value.data() > body.data()
              && value.data() + value.size() < body.data() + body.size());
  PANAL_HOLDS(static_cast<unsigned char>(value.front()) > ' '
              && static_cast<unsigned char>(value.back()) > ' ');
  PANAL_HOLDS(depth_of(value) <= value_depth_max);
  PANAL_HOLDS(is_json_to_rapidjson(value));
  auto again = said;
  // 0 stands for "not said".
  if (again.ttl_ms == 0)
    again.ttl_ms = 1;
  const auto text = write_body(again);
  const auto read = parse_put_body(text);
  PANAL_HOLDS(read.error == body_error::none);
  PANAL_HOLDS(read.value == value);
  PANAL_HOLDS(read.version == again.version && read.ttl_ms == again.ttl_ms);
}

void check_refused(const put_body& said) {
  constexpr std::size_t field_bytes_max = 64;
  PANAL_HOLDS(!said.detail.empty());
  PANAL_HOLDS(said.field.size() <= field_bytes_max && is_utf8(said.field));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::input{data, size}.rest();
  const auto said = parse_put_body(body);
  if (said.error != body_error::not_json)
    PANAL_HOLDS(is_json_to_rapidjson(body));
  if (said.error == body_error::none)
    check_taken(body, said);
  else
    check_refused(said);
  return 0;
}
