#pragma once

// A look at the shape of a YAML text before a tree is made of it. There are
// texts of which yaml-cpp 0.7 makes documents without end, until the memory
// is used up ("]" after a whole document), or a tree that holds itself and so
// is never given back.

#include <yaml-cpp/mark.h>

#include <string>

namespace panal {

/// What a text amounts to.
struct yaml_shape {
  /// Why no tree can be made of it; empty: one can.
  std::string problem;
  /// Where the problem stands.
  YAML::Mark at = YAML::Mark::null_mark();
};

/// Reads at most two documents of `bytes`, keeping nothing of them. Throws
/// YAML::Exception where they are not YAML.
yaml_shape shape_of_yaml(const std::string& bytes);

} // namespace panal
