#pragma once

// The options a node starts with: flags over environment variables over a
// YAML file over defaults. Everything is checked before anything starts, and
// all mistakes come back together, so that one look at them is enough.

#include "config/options.hpp"

#include <string>
#include <vector>

namespace panal {

/// What the command line asks the program to do.
enum class action : std::uint8_t {
  /// Start a node with the options.
  run,
  /// Print help_text() and exit with 0.
  print_help,
  /// Print version_text() and exit with 0.
  print_version,
  /// Ask the node that runs with the options whether it is well, and exit.
  check_health,
  /// Ask the node that runs with the options to forget `member`, and exit.
  forget_node,
  /// Print the mistakes to standard error and exit with 2.
  refuse,
};

struct load_outcome {
  action what = action::refuse;
  /// Meaningful with run, check_health and forget_node.
  options chosen;
  /// forget_node: a name that a node may have.
  std::string member = {};
  /// One sentence each, naming the source, the option, the escaped value and
  /// what is allowed; never a secret. Empty unless `what` is refuse.
  std::vector<std::string> mistakes;
};

/// Finds out how to start. `argv` is main's, `environment` is POSIX's
/// `environ`: "NAME=value" texts up to a null pointer (may itself be null).
/// `--help` and `--version` win over mistakes. Reads the configuration file
/// and the secret's file, so it may block; throws nothing.
load_outcome load(int argc, const char* const* argv,
                  const char* const* environment) noexcept;

/// The help page, generated from the table of options.
std::string help_text();

/// "panal 0.1.0" and a newline.
std::string version_text();

/// The table of options for the README, in Markdown.
std::string markdown_table();

} // namespace panal
