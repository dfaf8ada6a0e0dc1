// config/file: options from YAML. What is taken can be written and read
// again; mistakes are one printable line each, whatever the file holds.

#include "config/file.hpp"
#include "fuzz/input.hpp"

#include <algorithm>
#include <set>

using namespace panal;

namespace {

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~'; });
}

/// The value as YAML; of text only what a single-quoted scalar can hold.
std::string write_value(const setting& x) {
  if (x.option->kind == option_kind::number)
    return x.text;
  std::string out{"'"};
  for (const char c : x.text)
    out += c == '\'' ? std::string{"''"} : std::string{c};
  return out + "'";
}

/// Takes the settings over as loading does; gives what is left of them,
/// written as a file of our own.
std::string write_taken(const source_text& source) {
  std::string yaml;
  draft taken;
  for (const auto& x : source.settings)
    if (x.option->set(taken, x.text) && is_printable(x.text))
      yaml += std::string{x.option->name} + ": " + write_value(x) + "\n";
  const auto& chosen = taken.chosen;
  PANAL_HOLDS(chosen.http_threads >= 1 && chosen.http_threads <= 64);
  PANAL_HOLDS(chosen.max_key_bytes >= 1 && chosen.max_key_bytes <= 1024);
  PANAL_HOLDS(chosen.shards <= 64);
  PANAL_HOLDS(chosen.request_timeout.count() >= 100);
  PANAL_HOLDS(chosen.join.size() <= 1024);
  PANAL_HOLDS(!chosen.node_id.empty() && chosen.node_id.size() <= 64
              && is_printable(chosen.node_id));
  return yaml;
}

void check(const source_text& source) {
  constexpr std::size_t mistake_bytes_max = 2048;
  std::set<std::string_view> names;
  for (const auto& x : source.settings) {
    PANAL_HOLDS(names.insert(x.option->name).second);
    PANAL_HOLDS(x.option->name != "config-file");
    PANAL_HOLDS(is_printable(x.source));
  }
  for (const auto& text : source.mistakes)
    PANAL_HOLDS(is_printable(text) && text.size() <= mistake_bytes_max
                && text.starts_with("file \"fuzz\""));
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source =
      read_options("fuzz", std::string{fuzz::input{data, size}.rest()});
  check(source);
  const auto yaml = write_taken(source);
  if (yaml.empty())
    return 0;
  const auto again = read_options("fuzz", yaml);
  PANAL_HOLDS(again.mistakes.empty());
  for (const auto& x : again.settings)
    PANAL_HOLDS(std::any_of(source.settings.begin(), source.settings.end(),
                            [&x](const setting& y) {
                              return y.option == x.option && y.text == x.text;
                            }));
  PANAL_HOLDS(write_taken(again) == yaml);
  return 0;
}
