// The tests' program: doctest's own, and a count of the cases that said at run
// time that they lack what they need. A program whose cases were all skipped
// ends with the status that ctest takes for "skipped".

#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/support/skip.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <string>
#include <vector>

namespace {

constexpr int exit_all_skipped = 77;

std::size_t cases_run = 0;

/// A skipped case, and what it lacked.
std::vector<std::string>& skipped_cases() {
  static std::vector<std::string> all;
  return all;
}

struct case_counter : doctest::IReporter {
  explicit case_counter(const doctest::ContextOptions&) {}
  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_start(const doctest::TestCaseData&) override { ++cases_run; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}
};

REGISTER_LISTENER("case_counter", 0, case_counter);

} // namespace

namespace panal::test {

void skip(const char* missing) {
  const auto* running = doctest::getContextOptions()->currentTest;
  auto line = std::string{running == nullptr ? "" : running->m_name};
  line += ": no ";
  line += missing;
  if (skipped_cases().empty() || skipped_cases().back() != line)
    skipped_cases().push_back(std::move(line));
}

} // namespace panal::test

// The count is said last: a long output is shown without its beginning.
int main(int argc, char** argv) {
  doctest::Context context{argc, argv};
  const auto status = context.run();
  if (context.shouldExit())
    return status;
  for (const auto& one : skipped_cases())
    std::printf("skipped: %s\n", one.c_str());
  if (!skipped_cases().empty())
    std::printf("cases skipped at run time: %zu\n", skipped_cases().size());
  const bool all = skipped_cases().size() == cases_run && cases_run > 0;
  return status == 0 && all ? exit_all_skipped : status;
}
