#include "cluster/line.hpp"

#include <doctest/doctest.h>

using namespace panal;

namespace {

constexpr origin_id self = 1;
constexpr origin_id a = 2;
constexpr origin_id b = 3;

/// Three members; each has told what `row` says of it.
struct fixture {
  line_keeper line{self};

  fixture() { line.set_members({b, self, a}); }

  void mark(origin_id from, position at, merged_row row) {
    line.mark_came(from, {at, line.view(), std::move(row)});
  }
};

} // namespace

TEST_CASE("a node alone draws no line") {
  line_keeper line{self};
  line.promised(7);
  CHECK(line.least() == 0);
}

TEST_CASE("the line is the least that any member has merged of any other") {
  fixture f;
  f.line.promised(50);
  f.mark(a, 0, {{self, 40}, {a, 60}, {b, 45}});
  CHECK(f.line.least() == 0); // b has not told
  f.mark(b, 0, {{self, 42}, {a, 41}, {b, 70}});
  CHECK(f.line.least() == 40);
  CHECK(f.line.blocked_by().who == a);
}

TEST_CASE("a mark counts for this node once its position is merged") {
  fixture f;
  f.mark(a, 9, {{self, 50}, {a, 60}});
  CHECK(f.line.row().empty());
  f.line.merged(a, 8);
  CHECK(f.line.row().empty());
  f.line.merged(a, 9);
  CHECK(f.line.row().at(a) == 60);
}

TEST_CASE("what a member has merged of a third counts with its mark") {
  fixture f;
  f.line.merged(a, 5);
  f.mark(a, 5, {{a, 60}, {b, 30}});
  CHECK(f.line.row().at(b) == 30);
}

TEST_CASE("a change of members starts the matrix anew, old marks are void") {
  fixture f;
  const auto old_view = f.line.view();
  f.line.promised(50);
  f.mark(a, 0, {{self, 50}, {a, 50}, {b, 50}});
  f.mark(b, 0, {{self, 50}, {a, 50}, {b, 50}});
  CHECK(f.line.least() == 50);
  f.line.set_members({self, a, b, 4});
  CHECK(f.line.view() != old_view);
  CHECK(f.line.least() == 0);
  f.line.mark_came(a, {0, old_view, {{self, 60}, {a, 60}, {b, 60}}});
  CHECK(f.line.row().empty());
  f.line.set_members({b, a, self});
  CHECK(f.line.view() == old_view); // whatever their order
}

TEST_CASE("a member's word about itself shows nobody else's merging") {
  fixture f;
  f.mark(a, 9, {{a, 60}, {self, 20}});
  CHECK(f.line.seen_of(a) == 0);
  CHECK(f.line.seen_of(self) == 20);
  f.line.merged(a, 9);
  CHECK(f.line.seen_of(a) == 60);
}

TEST_CASE("what a forgotten member had merged shows nothing any more") {
  fixture f;
  f.mark(a, 9, {{b, 60}});
  CHECK(f.line.seen_of(b) == 60);
  f.line.set_members({self, b, 4});
  CHECK(f.line.seen_of(b) == 0);
}

TEST_CASE("what this node has merged shows though its teller was forgotten") {
  fixture f;
  f.line.merged(a, 9);
  f.mark(a, 9, {{b, 60}});
  f.line.set_members({self, b, 4});
  CHECK(f.line.seen_of(b) == 60);
}
