#pragma once

// The table of options: each is declared once, here, with its name, default,
// range and meaning. Flags, environment, file, help and documentation are all
// read off this table. Defaults come from the `options` struct itself.

#include "config/options.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace panal {

/// The smallest secret that peers may prove themselves with.
inline constexpr std::size_t secret_bytes_min = 16;
inline constexpr std::size_t secret_bytes_max = 4096;

/// What loading has gathered so far.
struct draft {
  options chosen;
  /// Where the secret is to be read from; empty: nowhere.
  std::string secret_file;
  /// Whether some source tried to give a secret, be it a bad one.
  bool secret_given = false;
  /// Whether some source tried to give a file of TLS, be it a bad one.
  bool tls_given = false;
  std::string config_file;
};

/// Takes an option's text over into the draft; false when it is not allowed.
using option_setter = std::function<bool(draft&, std::string_view)>;

enum class option_kind : std::uint8_t {
  text,
  /// A whole number: in the file it is written without quotes.
  number,
  /// Comma-separated; in the file it may be a sequence.
  list,
};

struct option_spec {
  /// As in the flag `--name` and the file; PANAL_NAME in the environment.
  std::string_view name = {};
  option_kind kind = option_kind::text;
  std::string default_text = {};
  /// The unit and range, to be read after "allowed:".
  std::string allowed = {};
  /// One sentence, without a unit or range.
  std::string_view meaning = {};
  option_setter set = {};
  /// A further environment variable that gives the option; often empty.
  std::string_view alias = {};
  /// How the alias's text is taken, when not as the option's own.
  option_setter set_alias = {};
  std::string alias_allowed = {};
  /// Its text is never shown, not even when it is wrong.
  bool secret = false;
};

/// Every option, in the order of the help. Built once; thread-safe.
const std::vector<option_spec>& option_table();

/// The option of that name; null when there is none.
const option_spec* find_option(std::string_view name);

/// "PANAL_HTTP_PORT" for http-port.
std::string environment_name(const option_spec& x);

/// One option's text as one source gave it.
struct setting {
  const option_spec* option = nullptr;
  std::string text;
  /// How a mistake names the place: "flag --http-port".
  std::string source;
  bool by_alias = false;
};

/// What was read from one source: settings in the order to apply them, and
/// what could not be understood, one sentence each.
struct source_text {
  std::vector<setting> settings;
  std::vector<std::string> mistakes;
};

} // namespace panal
