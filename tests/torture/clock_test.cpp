// The clock that tests can set wrong: the tests' own node follows it, and the
// shipped program knows nothing of it.

#include "tests/support/node.hpp"
#include "tests/support/offset_clock.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

using namespace panal::test;

namespace {

struct clocked_node {
  temp_dir folder;
  std::string file = (folder.path() / "clock").string();
  clock_offset offset{file};
  node one;

  explicit clocked_node(const std::filesystem::path& program)
      : one{setup(program)} {
    one.start();
  }
  node_setup setup(const std::filesystem::path& program) const {
    node_setup result;
    result.program = program;
    result.environment[clock_file_variable] = file;
    return result;
  }
};

bool mentions_the_clock(const std::filesystem::path& program) {
  std::ifstream file{program, std::ios::binary};
  std::string all{std::istreambuf_iterator<char>{file}, {}};
  return all.find(clock_file_variable) != std::string::npos;
}

} // namespace

TEST_CASE("the tests' own node has the clock that it is given") {
  clocked_node t{PANAL_TEST_NODE};
  auto client = t.one.client();
  REQUIRE(client.put("k", "1", 1, 60'000).status == 200);
  CHECK(client.get("k").status == 200);
  t.offset.set(120'000);
  CHECK(client.get("k").status == 404);
  REQUIRE(client.put("later", "1", 1, 60'000).status == 200);
  t.offset.set(-120'000);
  CHECK(client.get("later").status == 200);
  CHECK(mentions_the_clock(PANAL_TEST_NODE));
}

TEST_CASE("the shipped program has no such clock") {
  clocked_node t{panal_binary()};
  auto client = t.one.client();
  REQUIRE(client.put("k", "1", 1, 60'000).status == 200);
  t.offset.set(120'000);
  CHECK(client.get("k").status == 200);
  CHECK_FALSE(mentions_the_clock(panal_binary()));
}
