#include "logging/log.hpp"

#include <doctest/doctest.h>
#include <rapidjson/document.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace panal;

namespace {

/// Sends standard error into a file without a name while it lives.
class captured_stderr {
public:
  captured_stderr() : file_{std::tmpfile()}, saved_{::dup(STDERR_FILENO)} {
    if (file_ == nullptr || saved_ < 0)
      throw std::runtime_error{"standard error cannot be captured"};
    std::fflush(stderr);
    ::dup2(::fileno(file_), STDERR_FILENO);
  }
  captured_stderr(const captured_stderr&) = delete;
  captured_stderr& operator=(const captured_stderr&) = delete;
  ~captured_stderr() {
    std::fflush(stderr);
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    std::fclose(file_);
  }

  std::vector<std::string> lines() const {
    std::fflush(stderr);
    std::rewind(file_);
    std::string all;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_))
      all += static_cast<char>(c);
    std::istringstream in{all};
    std::vector<std::string> result;
    for (std::string line; std::getline(in, line);)
      result.push_back(line);
    return result;
  }

private:
  std::FILE* file_;
  int saved_;
};

bool ends_with(const std::string& text, std::string_view end) {
  INFO(text);
  return text.ends_with(end);
}

} // namespace

TEST_CASE("nothing is written before the log starts") {
  captured_stderr out;
  log::error("early", {{"a", 1}});
  CHECK(out.lines().empty());
}

TEST_CASE("lines below the level are left out, the others written at once") {
  captured_stderr out;
  log::start(log_level::warning, log_format::text, "n1");
  log::debug("one");
  log::info("two");
  log::warning("three", {{"peer", "a b"}});
  log::error("four", {{"code", -1}, {"text", "{} %v {0}"}});
  auto lines = out.lines();
  REQUIRE(lines.size() == 2);
  CHECK(ends_with(lines[0], "Z warning three node=n1 peer=\"a b\""));
  CHECK(ends_with(lines[1], "Z error four node=n1 code=-1 "
                            "text=\"{} %v {0}\""));
}

TEST_CASE("every JSON line is an object whatever is in it") {
  captured_stderr out;
  log::start(log_level::debug, log_format::json, "n1");
  std::string bytes;
  for (int i = 0; i < 256; ++i)
    bytes += static_cast<char>(i);
  log::debug("all", {{"bytes", bytes}, {"count", 256U}});
  auto lines = out.lines();
  REQUIRE(lines.size() == 1);
  rapidjson::Document parsed;
  parsed.Parse<rapidjson::kParseValidateEncodingFlag>(lines[0].c_str());
  REQUIRE(!parsed.HasParseError());
  REQUIRE(parsed.IsObject());
  CHECK(std::string{parsed["event"].GetString()} == "all");
  CHECK(std::string{parsed["node"].GetString()} == "n1");
  CHECK(parsed["count"].GetInt() == 256);
  CHECK(parsed["bytes"].IsString());
}

TEST_CASE("lines of several threads do not mix") {
  captured_stderr out;
  log::start(log_level::info, log_format::text, "n1");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([] {
        for (int j = 0; j < 100; ++j)
          log::info("tick", {{"text", std::string(200, 'x')}});
      });
  }
  auto lines = out.lines();
  CHECK(lines.size() == 400);
  for (const auto& line : lines)
    CHECK(ends_with(line, " info tick node=n1 text=" + std::string(200, 'x')));
}
