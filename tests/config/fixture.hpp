#pragma once

// What the tests of config/ share: loading with given flags, environment and
// file, and a folder for the file that goes away with the test.

#include "config/load.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace panal::test {

/// A folder of its own, removed with all that is in it.
class temp_dir {
public:
  temp_dir() {
    auto pattern =
        (std::filesystem::temp_directory_path() / "panal-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error{"no temporary folder"};
    path_ = pattern;
  }
  temp_dir(const temp_dir&) = delete;
  temp_dir& operator=(const temp_dir&) = delete;
  ~temp_dir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  /// Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view content) const {
    auto path = (path_ / name).string();
    std::ofstream{path, std::ios::binary} << content;
    return path;
  }

  std::string path() const { return path_.string(); }

private:
  std::filesystem::path path_;
};

/// Loads as main does, from these flags and these "NAME=value" variables.
inline load_outcome load_from(std::vector<std::string> flags,
                              const std::vector<std::string>& variables = {}) {
  std::vector<const char*> argv{"panal"};
  for (const auto& x : flags)
    argv.push_back(x.c_str());
  std::vector<const char*> environment;
  for (const auto& x : variables)
    environment.push_back(x.c_str());
  environment.push_back(nullptr);
  return load(static_cast<int>(argv.size()), argv.data(), environment.data());
}

/// Loads from a YAML file alone.
inline load_outcome load_yaml(std::string_view yaml) {
  temp_dir dir;
  return load_from({"--config-file=" + dir.write("panal.yaml", yaml)});
}

inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Whether exactly one mistake was made, and it says each of these.
inline void check_one_mistake(const load_outcome& x,
                              const std::vector<std::string>& parts) {
  CHECK(x.what == action::refuse);
  REQUIRE(x.mistakes.size() == 1);
  for (const auto& part : parts) {
    INFO(x.mistakes.front(), " should say ", part);
    CHECK(has(x.mistakes.front(), part));
  }
}

/// Whether there are no mistakes, so that the options can be looked at.
inline options expect_run(const load_outcome& x) {
  for (const auto& text : x.mistakes)
    FAIL_CHECK(text);
  CHECK(x.what == action::run);
  return x.chosen;
}

} // namespace panal::test
