#include "tests/storage/store_support.hpp"
#include "tests/support/faulty_store.hpp"

#include <thread>

namespace panal::test {

TEST_CASE("the faulty store fails the appends that it was told to fail") {
  faulty_store s{std::move(*memory_store::open("node1"))};
  s.fail_append(2, errc::storage_full, 2);
  put(s, {{"a", "1"}});
  for (auto i = 0; i < 2; ++i) {
    auto done = s.append(next_changes(s, {{"b", "2"}}));
    REQUIRE(!done.has_value());
    CHECK(done.error().code == errc::storage_full);
    CHECK(s.last_position() == 1);
  }
  put(s, {{"b", "2"}});
  CHECK(s.last_position() == 2);
  CHECK(s.appends() == 4);
}

TEST_CASE("the faulty store holds an append until it is released") {
  faulty_store s{std::move(*memory_store::open("node1"))};
  s.hold();
  bool done = false;
  std::thread appender{[&] { done = s.append({}).has_value(); }};
  s.await_held();
  CHECK(!done);
  s.release();
  appender.join();
  CHECK(done);
}

} // namespace panal::test
