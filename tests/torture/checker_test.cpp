// Hand-made histories: each verdict has some that must bring it, and some
// close by that must not.

#include "tests/torture/checker.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace panal::torture;
using panal::test::reply;

namespace {

enum class got { ok, refused, lost };

/// Writes a history on one key, with time that moves as it is told to. Every
/// operation takes 1 ms; clocks are at most 5 ms apart.
struct story {
  history done;
  history last;
  time_point now{std::chrono::seconds{1'000}};

  void pass(int ms) { now += milliseconds{ms}; }

  operation& begin(action what, std::size_t node) {
    done.push_back({.what = what, .node = node, .key = "k", .called = now});
    return done.back();
  }
  void end(operation& op, int status) {
    pass(1);
    reply told;
    told.status = status;
    told.raw.was_sent = true;
    answer(op, told, now);
    pass(1);
  }
  static int status(got what) {
    return what == got::ok ? 200 : what == got::refused ? 409 : 0;
  }
  operation& put(std::size_t node, std::int64_t version, std::string value,
                 got what = got::ok, std::int64_t ttl = 0) {
    auto& op = begin(action::put, node);
    op.puts = {version, std::move(value)};
    op.ttl_ms = ttl;
    end(op, status(what));
    return op;
  }
  void remove(std::size_t node, got what = got::ok) {
    end(begin(action::remove, node), what == got::refused ? 404 : status(what));
  }
  static operation read_at(std::size_t node, time_point when,
                           std::optional<entry> found) {
    operation op{.what = action::get, .node = node, .key = "k", .called = when};
    op.came_to = outcome::ok;
    op.status = found ? 200 : 404;
    op.found = std::move(found);
    op.returned = when + milliseconds{1};
    return op;
  }
  void read(std::size_t node, std::int64_t version, std::string value) {
    done.push_back(read_at(node, now, entry{version, std::move(value)}));
    pass(2);
  }
  void read_nothing(std::size_t node) {
    done.push_back(read_at(node, now, std::nullopt));
    pass(2);
  }

  std::set<verdict> verdicts() const {
    std::set<verdict> result;
    for (const auto& one : checker{milliseconds{5}}.check(done, last))
      result.insert(one.what);
    return result;
  }
  /// The verdicts if all three nodes show this in the end.
  std::set<verdict> ends_with(const std::optional<entry>& found) {
    last.clear();
    for (std::size_t node = 0; node < 3; ++node)
      last.push_back(read_at(node, now, found));
    return verdicts();
  }
  std::set<verdict> ends_with(std::int64_t version, std::string value) {
    return ends_with(entry{version, std::move(value)});
  }
  std::set<verdict> ends_with_nothing() { return ends_with(std::nullopt); }
};

const std::set<verdict> fine;
const std::set<verdict> lost{verdict::lost};
const std::set<verdict> stale{verdict::stale};
const std::set<verdict> resurrected{verdict::resurrected};
const std::set<verdict> differing{verdict::differing};
const std::set<verdict> invented{verdict::invented};

} // namespace

TEST_CASE("lost: an acknowledged put that nothing can have removed") {
  story t;
  CHECK(t.ends_with_nothing() == fine);
  t.put(0, 1, "a");
  CHECK(t.ends_with(1, "a") == fine);
  CHECK(t.ends_with_nothing() == lost);
  t.put(1, 2, "b");
  CHECK(t.ends_with(2, "b") == fine);
  CHECK(t.ends_with(1, "a") == lost);
  t.put(1, 1, "c", got::refused);
  CHECK(t.ends_with(2, "b") == fine);
  CHECK(t.ends_with_nothing() == lost);
}

TEST_CASE("lost: a put after the last delete counts, whatever its version") {
  story t;
  t.put(0, 9, "a");
  t.pass(20);
  t.remove(1);
  t.pass(20);
  t.put(2, 3, "b");
  CHECK(t.ends_with(3, "b") == fine);
  CHECK(t.ends_with_nothing() == lost);
}

TEST_CASE("lost: a put without an answer is owed once somebody has read it") {
  story t;
  t.put(0, 1, "a");
  t.put(0, 2, "b", got::lost);
  CHECK(t.ends_with(1, "a") == fine);
  CHECK(t.ends_with(2, "b") == fine);
  CHECK(t.ends_with_nothing() == lost);
  t.read(1, 2, "b");
  CHECK(t.ends_with(2, "b") == fine);
  CHECK(t.ends_with(1, "a") == lost);
}

TEST_CASE("lost: a lower put is no substitute, even if it came later") {
  story t;
  t.put(0, 9, "a");
  t.put(1, 5, "b");
  CHECK(t.ends_with(9, "a") == fine);
  CHECK(t.ends_with(5, "b") == lost);
}

TEST_CASE("lost: a delete before both puts, or after both, explains nothing") {
  story t;
  t.put(0, 1, "x");
  t.remove(0);
  t.put(0, 9, "a");
  t.put(1, 5, "b");
  CHECK(t.ends_with(5, "b") == lost);
  story u;
  u.put(0, 9, "a");
  u.put(1, 3, "b");
  u.pass(20);
  u.remove(2, got::lost);
  CHECK(u.ends_with(9, "a") == fine);
  CHECK(u.ends_with_nothing() == fine);
  CHECK(u.ends_with(3, "b") == lost);
}

TEST_CASE("lost: of two puts as high at one node the later one counts") {
  story t;
  t.put(0, 2, "a");
  t.put(0, 2, "b");
  CHECK(t.ends_with(2, "a") == lost);
  CHECK(t.ends_with(2, "b") == fine);
}

TEST_CASE("a delete without an answer may explain what is missing, or not") {
  story t;
  t.put(0, 1, "a");
  t.remove(1, got::lost);
  CHECK(t.ends_with(1, "a") == fine);
  CHECK(t.ends_with_nothing() == fine);
  t.pass(20);
  t.put(0, 2, "b");
  // It may be carried out even now: its node may have been stopped.
  CHECK(t.ends_with_nothing() == fine);
  CHECK(t.ends_with(1, "a") == lost);
}

TEST_CASE("a delete that found nothing has removed nothing") {
  story t;
  t.put(0, 1, "a");
  t.remove(1, got::refused);
  CHECK(t.ends_with(1, "a") == fine);
  CHECK(t.ends_with_nothing() == lost);
}

TEST_CASE("stale: a read below what its own node has acknowledged") {
  story t;
  t.put(0, 1, "a");
  t.put(0, 2, "b");
  t.read(1, 1, "a"); // another node may not have heard yet
  CHECK(t.ends_with(2, "b") == fine);
  t.read_nothing(2);
  CHECK(t.ends_with(2, "b") == fine);
  t.read(0, 1, "a");
  CHECK(t.ends_with(2, "b") == stale);
}

TEST_CASE("stale: nothing is read where the node has acknowledged a put") {
  story t;
  t.put(0, 1, "a");
  t.read_nothing(0);
  CHECK(t.ends_with(1, "a") == stale);
}

TEST_CASE("stale: a delete that finds nothing reads, too") {
  story t;
  t.put(0, 1, "a");
  t.remove(0, got::refused);
  CHECK(t.ends_with(1, "a") == stale);
}

TEST_CASE("stale: what a node has shown it must not take back") {
  story t;
  t.put(0, 1, "a");
  t.put(0, 2, "b", got::lost);
  t.read(1, 2, "b");
  t.read(1, 1, "a");
  CHECK(t.ends_with(2, "b") == stale);
}

TEST_CASE("stale: what others show its own node must have taken") {
  story t;
  t.put(0, 1, "a");
  t.put(0, 2, "b", got::lost);
  t.read(0, 1, "a");
  t.read(1, 2, "b");
  CHECK(t.ends_with(2, "b") == fine);
  t.read(0, 1, "a");
  CHECK(t.ends_with(2, "b") == stale);
}

TEST_CASE("stale: a read may be explained by a delete that is under way") {
  story t;
  t.put(0, 9, "a");
  t.remove(1, got::lost);
  t.put(2, 3, "b");
  t.read(0, 3, "b");
  CHECK(t.ends_with(3, "b") == fine);
}

TEST_CASE("a delete that came after a read does not explain it") {
  story s;
  s.put(0, 9, "a");
  s.put(2, 3, "b");
  s.read(0, 3, "b");
  s.remove(1);
  CHECK(s.ends_with(3, "b") == stale);
  story t;
  t.put(0, 1, "a");
  t.read_nothing(0);
  t.remove(0);
  CHECK(t.ends_with_nothing() == stale);
}

TEST_CASE("resurrected: a deleted value in the end") {
  story t;
  t.put(0, 9, "a");
  t.pass(20);
  t.remove(1);
  CHECK(t.ends_with_nothing() == fine);
  CHECK(t.ends_with(9, "a") == resurrected);
}

TEST_CASE("resurrected: a deleted value read at the node that deleted it") {
  story t;
  t.put(0, 9, "a");
  t.read(1, 9, "a");
  t.remove(1);
  t.read(0, 9, "a"); // node 1 has not heard of it yet
  CHECK(t.ends_with_nothing() == fine);
  t.read(1, 9, "a");
  CHECK(t.ends_with_nothing() == resurrected);
}

TEST_CASE("resurrected: a node that has shown a put deletes it for sure") {
  story t;
  t.put(0, 9, "a");
  t.remove(1);
  // Within the clocks' error: the delete may be the earlier one.
  CHECK(t.ends_with(9, "a") == fine);
  story u;
  u.put(0, 9, "a");
  u.read(1, 9, "a");
  u.remove(1);
  CHECK(u.ends_with(9, "a") == resurrected);
}

TEST_CASE("resurrected: a delete whose effect was read was carried out") {
  story t;
  t.put(0, 1, "a");
  t.remove(0, got::lost);
  CHECK(t.ends_with(1, "a") == fine);
  t.read_nothing(0);
  CHECK(t.ends_with_nothing() == fine);
  CHECK(t.ends_with(1, "a") == resurrected);
}

TEST_CASE("resurrected: of several deletes one is found to be the cause") {
  story t;
  t.remove(0);
  t.put(0, 1, "a"); // so it was not the first
  t.remove(0, got::lost);
  t.read_nothing(0);
  t.remove(1, got::lost); // nor one that came after the read
  CHECK(t.ends_with_nothing() == fine);
  CHECK(t.ends_with(1, "a") == resurrected);
}

TEST_CASE("a delete is not blamed for what may have expired") {
  story t;
  t.put(2, 3, "c");
  t.put(0, 2, "b", got::ok, 50);
  t.pass(20);
  t.remove(1, got::lost);
  t.pass(100);
  t.read_nothing(0);
  CHECK(t.ends_with(3, "c") == fine);
}

TEST_CASE("resurrected: an expired value in the end, or read") {
  story t;
  t.put(0, 1, "a");
  t.put(0, 2, "b", got::ok, 100);
  t.read(0, 2, "b");
  CHECK(t.ends_with(2, "b") == fine);
  t.pass(200);
  CHECK(t.ends_with_nothing() == fine);
  CHECK(t.ends_with(2, "b") == resurrected);
  // It hides what is below it.
  CHECK(t.ends_with(1, "a") == lost);
  t.read(0, 2, "b");
  CHECK(t.ends_with_nothing() == resurrected);
}

TEST_CASE("an expiry may be seen as early and as late as clocks differ") {
  story t;
  t.put(0, 1, "a", got::ok, 50);
  t.pass(45); // 3 ms before it expires
  CHECK(t.ends_with(1, "a") == fine);
  CHECK(t.ends_with_nothing() == fine);
  t.pass(6); // 3 ms after it has for sure
  CHECK(t.ends_with(1, "a") == fine);
  CHECK(t.ends_with_nothing() == fine);
  story u;
  u.put(0, 1, "a", got::ok, 50);
  u.pass(30);
  CHECK(u.ends_with_nothing() == lost);
}

TEST_CASE("after an expiry a lower version may win, and counts") {
  story t;
  t.put(0, 9, "a", got::ok, 50);
  t.pass(100);
  t.put(0, 1, "b");
  CHECK(t.ends_with(1, "b") == fine);
  CHECK(t.ends_with(9, "a") == resurrected);
}

TEST_CASE("an expired put explains nothing once a higher one stands above") {
  story t;
  t.put(0, 1, "a", got::ok, 50);
  t.put(0, 9, "b");
  t.pass(100);
  t.put(1, 3, "c");
  // Node 2 may have had nothing but the expired one: its put deletes.
  CHECK(t.ends_with(3, "c") == fine);
  story u;
  u.put(0, 1, "a", got::ok, 50);
  u.put(0, 9, "b");
  u.pass(100);
  u.put(0, 3, "c");
  CHECK(u.ends_with(9, "b") == fine);
  CHECK(u.ends_with(3, "c") == lost);
  CHECK(u.ends_with_nothing() == lost);
}

TEST_CASE("differing: nodes show different things in the end") {
  story t;
  t.put(0, 1, "a");
  t.ends_with(1, "a");
  t.last[1].found = std::nullopt;
  CHECK(t.verdicts() == differing);
  t.last[1].found = entry{1, "a"};
  CHECK(t.verdicts() == fine);
  t.last[2].came_to = outcome::unknown;
  CHECK(t.verdicts() == differing);
}

TEST_CASE("invented: a value that nobody put, or with another version") {
  story t;
  t.put(0, 1, "a");
  CHECK(t.ends_with(1, "b") == invented);
  CHECK(t.ends_with(2, "a") == invented);
  t.read(1, 7, "x");
  CHECK(t.ends_with(1, "a") == invented);
}

TEST_CASE("invented: the value of a put that was refused") {
  story t;
  t.put(0, 1, "a");
  t.put(1, 2, "b", got::refused);
  CHECK(t.ends_with(1, "a") == fine);
  CHECK(t.ends_with(2, "b") == invented);
  t.read(1, 2, "b");
  CHECK(t.ends_with(1, "a") == invented);
}

TEST_CASE("invented: a value that was read before it was put") {
  story t;
  t.read(1, 1, "a");
  t.pass(10);
  t.put(0, 1, "a");
  CHECK(t.ends_with(1, "a") == invented);
}

TEST_CASE("concurrent deletes and puts may go either way") {
  story t;
  t.put(0, 1, "a");
  t.pass(20);
  auto& del = t.begin(action::remove, 1);
  auto at = t.done.size() - 1;
  static_cast<void>(del);
  t.put(2, 2, "b");
  t.end(t.done[at], 200);
  CHECK(t.ends_with(2, "b") == fine);
  CHECK(t.ends_with_nothing() == fine);
  CHECK(t.ends_with(1, "a").size() == 1);
}

TEST_CASE("a delete may have come between two puts of falling versions") {
  story t;
  t.put(0, 9, "a");
  t.pass(20);
  t.remove(1);
  t.put(2, 3, "b"); // within the clocks' error of the delete
  CHECK(t.ends_with(3, "b") == fine);
  CHECK(t.ends_with_nothing() == fine);
  CHECK(t.ends_with(9, "a") == resurrected);
}

TEST_CASE("an answer of 503 leaves open what happened, 507 does not") {
  story t;
  t.put(0, 1, "a");
  auto& open = t.begin(action::put, 0);
  open.puts = {2, "b"};
  t.end(open, 503);
  CHECK(t.ends_with(2, "b") == fine);
  CHECK(t.ends_with(1, "a") == fine);
  auto& full = t.begin(action::put, 0);
  full.puts = {3, "c"};
  t.end(full, 507);
  CHECK(t.ends_with(3, "c") == invented);
}
