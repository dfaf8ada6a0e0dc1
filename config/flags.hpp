#pragma once

// Options from the command line: `--name=value` or `--name value`.

#include "config/option_table.hpp"

#include <optional>
#include <string>

namespace panal {

/// What a command line says besides the options.
struct flags_text {
  source_text source;
  bool help = false;
  bool version = false;
  bool health_check = false;
  /// The command `forget-node`: the name behind it; empty when it is missing.
  std::optional<std::string> forget;
};

/// Splits the arguments after the program's name. The first may be the command
/// `forget-node`, which the member's name follows. An unknown flag, one
/// without a value, one given twice (save a list, which is put together) and
/// an argument that belongs to no flag are mistakes.
flags_text read_flags(int argc, const char* const* argv);

} // namespace panal
