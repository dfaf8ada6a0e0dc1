#include "config/file.hpp"

#include "config/quote.hpp"
#include "config/yaml_shape.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <system_error>

namespace panal {

namespace {

constexpr std::size_t file_bytes_max = std::size_t{1024} * 1024;
constexpr std::size_t shown_bytes_max = 100;

std::string last_error() {
  return std::generic_category().message(errno);
}

/// Where a control character stands that YAML does not allow; npos: nowhere.
/// To yaml-cpp the bytes 0 and 4 are the end of the file: whatever comes after
/// them would be left out without a word.
std::size_t find_control(std::string_view bytes) {
  auto is_control = [](char c) {
    auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
  };
  auto found = std::find_if(bytes.begin(), bytes.end(), is_control);
  return found == bytes.end() ? std::string_view::npos
                              : static_cast<std::size_t>(found - bytes.begin());
}

/// Closes the descriptor when the scope ends.
struct descriptor {
  int value;

  explicit descriptor(int fd) : value{fd} {}
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  ~descriptor() {
    if (value >= 0)
      ::close(value);
  }
};

/// Collects the settings of one file.
class file_reader {
public:
  explicit file_reader(const std::string& path)
      : name_{"file " + quoted(path, shown_bytes_max)} {}

  source_text read(const std::string& path);
  source_text read_bytes(const std::string& bytes);

private:
  void read_document(const std::string& bytes);
  void read_pair(const YAML::Node& key, const YAML::Node& value);
  void read_value(const option_spec& spec, const YAML::Node& value);
  void read_sequence(const option_spec& spec, const YAML::Node& value);

  /// Why the value of a scalar cannot be taken; empty: it can.
  static std::string problem_of(const option_spec& spec,
                                const YAML::Node& value);

  std::string place(const YAML::Mark& mark) const {
    if (mark.line < 0)
      return name_;
    return name_ + " line " + std::to_string(mark.line + 1);
  }

  void mistake(std::string text) {
    result_.mistakes.push_back(std::move(text));
  }

  std::string name_;
  /// Line of each option that the file has given so far.
  std::map<std::string_view, int> lines_;
  /// Where the value under work stands: "file "x" line 3, http-port".
  std::string source_;
  source_text result_;
};

source_text file_reader::read(const std::string& path) {
  auto content = read_file(path, file_bytes_max);
  if (!content.problem.empty()) {
    mistake(name_ + ": " + content.problem);
    return std::move(result_);
  }
  return read_bytes(content.bytes);
}

source_text file_reader::read_bytes(const std::string& bytes) {
  auto control = find_control(bytes);
  if (control != std::string::npos) {
    auto end = bytes.begin() + static_cast<std::ptrdiff_t>(control);
    auto line = 1 + std::count(bytes.begin(), end, '\n');
    mistake(name_ + " line " + std::to_string(line)
            + ": not YAML: a control character");
    return std::move(result_);
  }
  try {
    read_document(bytes);
  } catch (const YAML::Exception& e) {
    // Its text may quote the file: never show it as it is.
    mistake(place(e.mark) + ": not YAML: " + quoted(e.msg, shown_bytes_max));
  }
  return std::move(result_);
}

void file_reader::read_document(const std::string& bytes) {
  auto shape = shape_of_yaml(bytes);
  if (!shape.problem.empty()) {
    mistake(place(shape.at) + ": " + shape.problem);
    return;
  }
  auto top = YAML::Load(bytes);
  if (top.IsNull())
    return;
  if (!top.IsMap()) {
    mistake(place(top.Mark()) + ": not a mapping; allowed: name: value");
    return;
  }
  for (const auto& pair : top)
    read_pair(pair.first, pair.second);
}

void file_reader::read_pair(const YAML::Node& key, const YAML::Node& value) {
  auto mark = key.Mark();
  if (!key.IsScalar()) {
    mistake(place(mark) + ": the name of an option is not a text");
    return;
  }
  const auto* spec = find_option(key.Scalar());
  if (spec == nullptr || spec->name == "config-file") {
    mistake(place(mark) + ", " + quoted(key.Scalar(), shown_bytes_max)
            + (spec == nullptr ? ": no such option" : ": not in a file"));
    return;
  }
  source_ = place(mark) + ", " + std::string{spec->name};
  auto [first, fresh] = lines_.emplace(spec->name, mark.line + 1);
  if (fresh)
    read_value(*spec, value);
  else
    mistake(source_ + ": already given in line "
            + std::to_string(first->second));
}

void file_reader::read_value(const option_spec& spec, const YAML::Node& value) {
  if (value.IsSequence() && spec.kind == option_kind::list) {
    read_sequence(spec, value);
    return;
  }
  auto problem = problem_of(spec, value);
  if (problem.empty())
    result_.settings.push_back({&spec, value.Scalar(), source_});
  else
    mistake(source_ + ": " + problem + "; allowed: " + spec.allowed);
}

void file_reader::read_sequence(const option_spec& spec,
                                const YAML::Node& value) {
  std::string text;
  std::string_view separator;
  for (const auto& item : value) {
    auto problem = problem_of(spec, item);
    if (!problem.empty()) {
      mistake(source_ + ": " + problem + "; allowed: " + spec.allowed);
      return;
    }
    text.append(separator).append(item.Scalar());
    separator = ",";
  }
  result_.settings.push_back({&spec, std::move(text), source_});
}

std::string file_reader::problem_of(const option_spec& spec,
                                    const YAML::Node& value) {
  if (value.IsNull())
    return "has no value";
  if (!value.IsScalar())
    return "a nested value";
  // yaml-cpp: "!" is a quoted scalar, "?" and "" a plain one.
  const auto& tag = value.Tag();
  bool is_quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
  if (!is_quoted && !tag.empty() && tag != "?")
    return "a tagged value";
  if (is_quoted && spec.kind == option_kind::number)
    return quoted(value.Scalar(), shown_bytes_max) + " is a text, not a number";
  return {};
}

} // namespace

file_content read_file(const std::string& path, std::size_t bytes_max) {
  file_content result;
  descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (fd.value < 0)
    return {.bytes = {}, .problem = "cannot be opened: " + last_error()};
  std::array<char, 4096> buffer;
  for (;;) {
    auto count = ::read(fd.value, buffer.data(), buffer.size());
    if (count == 0)
      return result;
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return {.bytes = {}, .problem = "cannot be read: " + last_error()};
    result.bytes.append(buffer.data(), static_cast<std::size_t>(count));
    if (result.bytes.size() > bytes_max)
      return {.bytes = {},
              .problem =
                  "has more than " + std::to_string(bytes_max) + " bytes"};
  }
}

source_text read_options_file(const std::string& path) {
  return file_reader{path}.read(path);
}

source_text read_options(const std::string& path, const std::string& bytes) {
  return file_reader{path}.read_bytes(bytes);
}

} // namespace panal
