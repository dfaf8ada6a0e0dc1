#pragma once

// A directory of a test's own, removed with everything in it at the end.

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace panal::test {

class temp_directory {
public:
  temp_directory() {
    auto name =
        (std::filesystem::temp_directory_path() / "panal-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("no temporary directory " + name);
    path_ = name;
  }
  temp_directory(const temp_directory&) = delete;
  temp_directory& operator=(const temp_directory&) = delete;
  ~temp_directory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  /// The path of `name` in it.
  std::string operator/(const char* name) const {
    return (path_ / name).string();
  }

private:
  std::filesystem::path path_;
};

} // namespace panal::test
