// The fixtures that the cluster suites stand on, without a node: what they
// would let through, no suite above them could catch.

#include "tests/nodes/load.hpp"
#include "tests/nodes/proxy.hpp"
#include "tests/support/node.hpp"
#include "tests/support/recorder.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

using namespace panal::test;
using std::chrono::seconds;

namespace {

launch shell(const std::string& script) {
  launch result;
  result.program = "/bin/sh";
  result.arguments = {"-c", script};
  return result;
}

bool exists(pid_t pid) {
  return std::filesystem::exists("/proc/" + std::to_string(pid));
}

reply status(int code) {
  reply result;
  result.status = code;
  return result;
}

reply lost() {
  reply result;
  result.raw.was_sent = true;
  return result;
}

/// A recorder with a clock that moves only when it is told to.
struct timeline {
  recorder notes{milliseconds{5}};
  recorder::time now{seconds{1'000}};

  void pass(int ms) { now += milliseconds{ms}; }

  recorder::ticket put_call(std::size_t node, std::int64_t version,
                            const std::string& value, std::int64_t ttl = 0) {
    return notes.put_called("k", node, version, value, ttl, now);
  }

  /// A put of 1 ms that came to `what`.
  void put(std::size_t node, std::int64_t version, const std::string& value,
           const reply& what = status(200), std::int64_t ttl = 0) {
    auto ticket = put_call(node, version, value, ttl);
    pass(1);
    notes.answered(ticket, what, now);
  }

  void remove(std::size_t node, const reply& what = status(200)) {
    auto ticket = notes.remove_called("k", node, now);
    pass(1);
    notes.answered(ticket, what, now);
  }

  bool allows(std::int64_t version, const std::string& value) const {
    return !notes.objection("k", seen_entry{version, value}, now);
  }
  bool allows_nothing() const {
    return !notes.objection("k", std::nullopt, now);
  }
};

} // namespace

TEST_CASE("a process's lines arrive, also those that come late") {
  process child{shell("echo one; echo two >&2; printf three")};
  auto at =
      child.wait_for_line([](auto line) { return line == "two"; }, seconds{5});
  CHECK(at.has_value());
  auto ended = child.wait_exit(seconds{5});
  REQUIRE(ended);
  CHECK(ended->code == 0);
  CHECK(child.wait_for_line([](auto line) { return line == "three"; },
                            seconds{5}));
}

TEST_CASE("waiting for a line ends with the output, not with the deadline") {
  process child{shell("echo one")};
  auto began = steady::now();
  CHECK_FALSE(child.wait_for_line([](auto) { return false; }, seconds{20}));
  CHECK(steady::now() - began < seconds{10});
}

TEST_CASE("waiting for a line ends at the deadline") {
  process child{shell("exec sleep 100")};
  CHECK_FALSE(child.wait_for_line([](auto) { return true; }, milliseconds{30}));
  CHECK(child.running());
}

TEST_CASE("an exit status and a signal are told apart") {
  process failing{shell("exit 3")};
  auto failed = failing.wait_exit(seconds{5});
  REQUIRE(failed);
  CHECK(failed->code == 3);
  CHECK(failed->signal == 0);

  process killed{shell("exec sleep 100")};
  killed.signal(SIGKILL);
  auto ended = killed.wait_exit(seconds{5});
  REQUIRE(ended);
  CHECK(ended->code == -1);
  CHECK(ended->signal == SIGKILL);
}

TEST_CASE("a process does not outlive its owner, not even when it is stopped") {
  pid_t pid = 0;
  {
    process child{shell("trap '' TERM; while :; do sleep 1; done")};
    child.signal(SIGSTOP);
    pid = child.pid();
    CHECK(exists(pid));
  }
  CHECK_FALSE(exists(pid));
}

TEST_CASE("a process gets no option out of the test's environment") {
  ::setenv("PANAL_HTTP_PORT", "1", 1);
  ::setenv("NODES", "x:1", 1);
  auto what = shell("echo \"[$PANAL_HTTP_PORT][$NODES][$NODE_ID]\"");
  what.environment["NODE_ID"] = "given";
  process child{what};
  CHECK(child.wait_for_line([](auto line) { return line == "[][][given]"; },
                            seconds{5}));
  ::unsetenv("PANAL_HTTP_PORT");
  ::unsetenv("NODES");
}

TEST_CASE("a process's files, memory and state can be looked at") {
  process child{shell("exec sleep 100")};
  CHECK(eventually(seconds{5}, [&] { return child.state() == 'S'; }));
  CHECK(child.open_files() >= 3);
  CHECK(child.resident_bytes() > 100'000);
  child.signal(SIGSTOP);
  CHECK(eventually(seconds{5}, [&] { return child.state() == 'T'; }));
}

TEST_CASE("a log line is read for what it says") {
  auto line = log_event::parse(
      R"({"event":"peer_up","peer":"node2","n":7,"level":"info"})");
  REQUIRE(line);
  CHECK(line->matches("peer_up", {{"peer", "node2"}, {"n", "7"}}));
  CHECK_FALSE(line->matches("peer_up", {{"peer", "node3"}}));
  CHECK_FALSE(line->matches("peer_down", {}));
  CHECK_FALSE(log_event::parse("not json"));
}

TEST_CASE("a key's bytes are encoded for a target") {
  CHECK(target_of("a/b %\xC3\xA9~") == "/cache/a%2Fb%20%25%C3%A9~");
}

TEST_CASE("nobody answers where nobody listens") {
  http_client client{unused_endpoint()};
  auto answer = client.get("k");
  CHECK(answer.status == 0);
  CHECK(answer.surely_not_done());
}

TEST_CASE("an answer that never comes leaves open what was done") {
  proxy silent;
  silent.forward_to(unused_endpoint());
  http_client client{silent.address(), milliseconds{200}};
  auto answer = client.put("k", "1", 1);
  CHECK(answer.status == 0);
  CHECK_FALSE(answer.surely_not_done());
}

TEST_CASE("a proxy relays, holds, cuts and refuses") {
  proxy second;
  proxy first;
  // The far proxy refuses: what is relayed to it comes to an end.
  first.forward_to(second.address());
  auto one = connection::open(first.address());
  REQUIRE(one);
  CHECK(one->closed_by_peer(seconds{5}));
  CHECK(first.relayed() == 1);
  first.refuse(true);
  auto two = connection::open(first.address());
  REQUIRE(two);
  CHECK(two->closed_by_peer(seconds{5}));
  CHECK(first.relayed() == 1);
}

TEST_CASE("latencies know their percentiles") {
  latencies all;
  for (int i = 1; i <= 100; ++i)
    all.add(milliseconds{i});
  CHECK(all.percentile(0.5) == milliseconds{50});
  CHECK(all.percentile(0.99) == milliseconds{99});
  CHECK(all.percentile(1) == milliseconds{100});
  CHECK(latencies{}.percentile(0.99) == milliseconds{0});
}

TEST_CASE("recorder: an accepted put must be there") {
  timeline t;
  t.put(1, 1, "a");
  CHECK(t.allows(1, "a"));
  CHECK_FALSE(t.allows_nothing());
  CHECK_FALSE(t.allows(1, "b"));
  CHECK_FALSE(t.allows(2, "a"));
}

TEST_CASE("recorder: a refused put is never there") {
  timeline t;
  t.put(1, 5, "a");
  t.put(1, 4, "b", status(409));
  CHECK_FALSE(t.allows(4, "b"));
  CHECK(t.allows(5, "a"));
}

TEST_CASE("recorder: the highest version wins, whenever it was put") {
  timeline t;
  t.put(1, 5, "a");
  t.pass(100);
  t.put(2, 3, "b");
  CHECK(t.allows(5, "a"));
  CHECK_FALSE(t.allows(3, "b"));
}

TEST_CASE("recorder: of two equal versions the later wins, if one is") {
  timeline t;
  t.put(1, 5, "a");
  t.pass(3);
  t.put(2, 5, "b");
  CHECK(t.allows(5, "a"));
  CHECK(t.allows(5, "b"));
  t.pass(20);
  t.put(3, 5, "c");
  CHECK_FALSE(t.allows(5, "a"));
  CHECK_FALSE(t.allows(5, "b"));
  CHECK(t.allows(5, "c"));
}

TEST_CASE("recorder: a put without an answer allows, but demands nothing") {
  timeline t;
  t.put(1, 1, "a");
  t.put(1, 2, "b", lost());
  CHECK(t.allows(1, "a"));
  CHECK(t.allows(2, "b"));
  CHECK_FALSE(t.allows_nothing());
}

TEST_CASE("recorder: a delete kills what was before it, and only that") {
  timeline t;
  t.put(1, 9, "a");
  t.pass(20);
  t.remove(2);
  CHECK(t.allows_nothing());
  CHECK_FALSE(t.allows(9, "a"));
  t.pass(20);
  t.put(3, 1, "b");
  CHECK(t.allows(1, "b"));
  CHECK_FALSE(t.allows_nothing());
  CHECK_FALSE(t.allows(9, "a"));
}

TEST_CASE("recorder: a delete that was not accepted kills nothing") {
  timeline t;
  t.put(1, 9, "a");
  t.pass(20);
  t.remove(2, status(404));
  CHECK_FALSE(t.allows_nothing());
  CHECK(t.allows(9, "a"));
}

TEST_CASE("recorder: a race between a delete and a put may go either way") {
  timeline t;
  auto put = t.put_call(1, 9, "a");
  t.remove(2);
  t.notes.answered(put, status(200), t.now);
  CHECK(t.allows_nothing());
  CHECK(t.allows(9, "a"));
}

TEST_CASE("recorder: a delete between two puts lets the lower one win") {
  timeline t;
  t.put(1, 9, "a");
  t.pass(20);
  t.remove(1);
  t.pass(20);
  t.put(2, 3, "b");
  CHECK(t.allows(3, "b"));
  CHECK_FALSE(t.allows(9, "a"));
}

TEST_CASE("recorder: a delete after both puts lets neither win") {
  timeline t;
  t.put(1, 9, "a");
  t.pass(20);
  t.put(2, 3, "b");
  t.pass(20);
  t.remove(2);
  CHECK(t.allows_nothing());
  CHECK_FALSE(t.allows(3, "b"));
  CHECK_FALSE(t.allows(9, "a"));
}

TEST_CASE("recorder: order at one node needs no margin") {
  timeline t;
  t.put(1, 9, "a");
  t.pass(1);
  t.remove(1);
  t.pass(1);
  t.put(1, 3, "b");
  CHECK(t.allows(3, "b"));
  CHECK_FALSE(t.allows(9, "a"));
  CHECK_FALSE(t.allows_nothing());
}

TEST_CASE("recorder: what has expired is gone, and uncovers nothing") {
  timeline t;
  t.put(1, 1, "a");
  t.pass(20);
  t.put(1, 2, "b", status(200), 100);
  CHECK(t.allows(2, "b"));
  CHECK_FALSE(t.allows_nothing());
  t.pass(200);
  CHECK(t.allows_nothing());
  CHECK_FALSE(t.allows(2, "b"));
  CHECK_FALSE(t.allows(1, "a"));
}

TEST_CASE("recorder: after an expiry a lower version may win") {
  timeline t;
  t.put(1, 9, "a", status(200), 50);
  t.pass(100);
  t.put(2, 1, "b");
  CHECK(t.allows(1, "b"));
  CHECK_FALSE(t.allows(9, "a"));
}

TEST_CASE("recorder: an entry that was read was put, answered or not") {
  timeline t;
  t.put(1, 1, "a");
  t.put(1, 2, "b", lost());
  CHECK(t.notes.saw("k", {2, "b"}, t.now));
  CHECK_FALSE(t.allows(1, "a"));
  CHECK(t.allows(2, "b"));
  CHECK_FALSE(t.notes.saw("k", {3, "c"}, t.now));
}

TEST_CASE("recorder: a delete whose effect was read was carried out") {
  timeline t;
  t.put(1, 1, "a");
  t.pass(1);
  t.remove(1, lost());
  CHECK(t.allows(1, "a"));
  t.pass(1);
  auto called = t.now;
  t.pass(1);
  CHECK(t.notes.saw_nothing("k", called, t.now));
  CHECK(t.allows_nothing());
  CHECK_FALSE(t.allows(1, "a"));
}

TEST_CASE("recorder: nothing to read where nothing was deleted is a loss") {
  timeline t;
  t.put(1, 1, "a");
  t.pass(1);
  CHECK_FALSE(t.notes.saw_nothing("k", t.now, t.now));
  CHECK(t.notes.saw_nothing("k", t.now - milliseconds{10}, t.now));
}

TEST_CASE("recorder: an answer that is no answer is always objected to") {
  timeline t;
  CHECK(t.notes.objection("k", status(503), t.now));
  CHECK_FALSE(t.notes.objection("k", status(404), t.now));
}
