#pragma once

// Options from a YAML file: one mapping from option names to values.

#include "config/option_table.hpp"

#include <cstddef>
#include <string>

namespace panal {

/// A file's content, or why there is none.
struct file_content {
  std::string bytes;
  /// Empty when the file was read whole.
  std::string problem;
};

/// Reads a whole file of at most `bytes_max` bytes. Blocks.
file_content read_file(const std::string& path, std::size_t bytes_max);

/// Reads the options of the YAML file at `path`. A list may be a sequence or
/// comma-separated. Mistakes name the line: unknown and duplicate names,
/// nested or missing values, a quoted text where a number belongs.
source_text read_options_file(const std::string& path);

/// The same for a content that has been read; `path` only names it in mistakes.
source_text read_options(const std::string& path, const std::string& bytes);

} // namespace panal
