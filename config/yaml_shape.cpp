#include "config/yaml_shape.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <vector>

namespace panal {

namespace {

/// Notes the first thing that is wrong.
class shape_reader final : public YAML::EventHandler {
public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1)
      note(mark, "a second document");
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (std::find(open_.begin(), open_.end(), anchor) != open_.end())
      note(mark, "an alias inside of what it stands for");
  }

  void OnSequenceStart(const YAML::Mark&, const std::string&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open_.push_back(anchor);
  }

  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open_.push_back(anchor);
  }

  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapEnd() override { open_.pop_back(); }

  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}

  yaml_shape found;

private:
  void note(const YAML::Mark& mark, const char* problem) {
    if (found.problem.empty())
      found = {problem, mark};
  }

  int documents_ = 0;
  /// The anchors of the collections around; 0 for one without.
  std::vector<YAML::anchor_t> open_;
};

} // namespace

yaml_shape shape_of_yaml(const std::string& bytes) {
  std::istringstream in{bytes};
  YAML::Parser parser{in};
  shape_reader reader;
  // A problem ends it: no more is wanted than the first of them.
  while (reader.found.problem.empty() && parser.HandleNextDocument(reader)) {
    // nop
  }
  return std::move(reader.found);
}

} // namespace panal
