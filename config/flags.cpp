#include "config/flags.hpp"

#include "config/quote.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace panal {

namespace {

constexpr std::size_t shown_bytes_max = 100;

/// The arguments, last one first, as CLI11 wants them. "--name=" becomes two:
/// CLI11 would take the next argument for its value.
std::vector<std::string> reversed_arguments(int argc, const char* const* argv) {
  std::vector<std::string> result;
  for (int i = 1; i < argc; ++i) {
    std::string text = argv[i];
    bool no_value = text.starts_with("--") && text.find('=') == text.size() - 1;
    if (no_value)
      text.pop_back();
    result.push_back(std::move(text));
    if (no_value)
      result.emplace_back();
  }
  std::reverse(result.begin(), result.end());
  return result;
}

void add_setting(source_text& out, const option_spec& spec,
                 const std::vector<std::string>& given) {
  auto source = "flag --" + std::string{spec.name};
  if (given.size() > 1 && spec.kind != option_kind::list) {
    out.mistakes.push_back(source + ": given more than once");
    return;
  }
  std::string text;
  for (const auto& part : given) {
    if (part.starts_with("--")) {
      out.mistakes.push_back(source + ": needs a value, but a flag follows");
      return;
    }
    if (&part != &given.front())
      text += ',';
    text += part;
  }
  out.settings.push_back({&spec, std::move(text), std::move(source)});
}

/// Names what no flag took. The value of an unknown flag is not shown, since
/// it may be a secret behind a mistyped name.
void add_leftovers(source_text& out, const std::vector<std::string>& rest) {
  bool after_flag = false;
  for (const auto& text : rest) {
    bool is_flag = text.size() > 1 && text.starts_with('-') && text != "--";
    auto equals = text.find('=');
    if (is_flag)
      out.mistakes.push_back("flag "
                             + quoted(text.substr(0, equals), shown_bytes_max)
                             + ": no such option");
    else if (!after_flag && text != "--")
      out.mistakes.push_back("argument " + quoted(text, shown_bytes_max)
                             + ": belongs to no flag; allowed: --name=value");
    after_flag = is_flag && equals == std::string::npos;
  }
}

/// Takes `forget-node NAME` off the front of the arguments; empty where the
/// name is missing.
std::optional<std::string> take_command(int& argc, const char* const*& argv) {
  if (argc < 2 || std::string_view{argv[1]} != "forget-node")
    return std::nullopt;
  const bool named = argc > 2 && *argv[2] != '-';
  std::string name = named ? argv[2] : "";
  // The last one passed over stands where the program's name is expected.
  argc -= named ? 2 : 1;
  argv += named ? 2 : 1;
  return name;
}

bool read_switch(source_text& out, const CLI::Option& x) {
  for (const auto& text : x.results())
    if (text != "true")
      out.mistakes.push_back("flag " + x.get_name() + ": takes no value");
  return !x.empty();
}

} // namespace

flags_text read_flags(int argc, const char* const* argv) {
  flags_text result;
  result.forget = take_command(argc, argv);
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  const auto take_all = CLI::MultiOptionPolicy::TakeAll;
  std::vector<std::pair<const option_spec*, CLI::Option*>> values;
  for (const auto& spec : option_table()) {
    auto* x = app.add_option("--" + std::string{spec.name});
    x->multi_option_policy(take_all)->allow_extra_args(false);
    values.emplace_back(&spec, x);
  }
  auto* help = app.add_flag("--help")->multi_option_policy(take_all);
  auto* version = app.add_flag("--version")->multi_option_policy(take_all);
  auto* health = app.add_flag("--health-check")->multi_option_policy(take_all);
  auto& out = result.source;
  try {
    app.parse(reversed_arguments(argc, argv));
  } catch (const CLI::ArgumentMismatch&) {
    // The one that set in here is the last argument: all others are split.
    out.mistakes.push_back("flag " + quoted(argv[argc - 1], shown_bytes_max)
                           + ": needs a value");
  }
  for (const auto& [spec, x] : values)
    if (!x->empty())
      add_setting(out, *spec, x->results());
  add_leftovers(out, app.remaining());
  result.help = read_switch(out, *help);
  result.version = read_switch(out, *version);
  result.health_check = read_switch(out, *health);
  return result;
}

} // namespace panal
