// The link book, with the world around it in the fixture: what it asked for is
// listed, and a disk confirms at once unless it is told not to.

#include "cluster/link_book.hpp"

#include "cluster/frame.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace panal;
using namespace std::chrono_literals;

namespace {

const member self{10, "self", "127.0.0.1:10"};
const member ann{20, "ann", "127.0.0.1:20"};
const member bob{30, "bob", "127.0.0.1:30"};

using addresses = std::vector<std::string>;
using ids = std::vector<std::uint64_t>;

struct told_up {
  origin_id who = 0;
  std::uint64_t run = 0;
  std::uint64_t link_id = 0;
};

/// A node of which only the links are there.
class node final : public link_port {
public:
  explicit node(const std::vector<member>& known = {ann, bob})
      : book{{},
             std::make_unique<membership>(self, known, addresses{}, 1),
             own_run,
             *this} {
    book.start();
  }

  // -- what happens to it

  void wait(std::chrono::milliseconds pause) { time += pause; }
  /// Beats until `pause` is over, as the actor does.
  void beat_for(std::chrono::milliseconds pause) {
    for (const auto end = time + pause; time < end; time += 250ms)
      book.beat(time);
  }
  /// A proven connection from `who`, or to it.
  void connects(const member& who, std::uint64_t run, std::uint64_t link_id,
                const std::string& by_dialling = {}) {
    book.admitted(link_id, {who, run, by_dialling}, time);
    confirm_saves();
  }
  void greets(std::uint64_t link_id) { book.greeted(link_id, time); }
  /// The same, and the greeting.
  void links(const member& who, std::uint64_t run, std::uint64_t link_id) {
    connects(who, run, link_id);
    greets(link_id);
  }
  void speaks(std::uint64_t link_id) {
    book.frame_came(link_id, encode(heartbeat_frame{}), time);
  }
  /// Beats and hears of the peer meanwhile.
  void speaks_for(std::uint64_t link_id, std::chrono::milliseconds pause) {
    for (const auto end = time + pause; time < end; time += 250ms) {
      speaks(link_id);
      book.beat(time);
    }
  }
  void says_members(std::uint64_t link_id, const std::vector<member>& known) {
    book.frame_came(link_id, encode(members_frame{known}), time);
    confirm_saves();
  }
  void says_nonsense(std::uint64_t link_id) {
    auto bytes = encode(members_frame{{ann}});
    bytes.pop_back();
    book.frame_came(link_id, bytes, time);
  }
  void confirm_saves() {
    while (disk_takes && !owed.empty()) {
      const auto who = owed.front();
      owed.erase(owed.begin());
      book.saved(who, time);
    }
  }

  // -- what it shows

  bool is_up(origin_id who) const { return up.contains(who); }
  bool was_closed(std::uint64_t link_id) const {
    return std::ranges::count(closed, link_id) > 0;
  }
  bool was_adopted(std::uint64_t link_id) const {
    return std::ranges::count(adopted, link_id) > 0;
  }
  /// The last list of members that was said on the link.
  std::vector<member> last_list(std::uint64_t link_id) const {
    const auto i = said.find(link_id);
    if (i == said.end())
      return {};
    return std::get<members_frame>(*decode_frame(i->second)).known;
  }

  // -- link_port

  void dial(const std::string& address) override { dialled.push_back(address); }
  void adopt(std::uint64_t link_id, bool) override {
    adopted.push_back(link_id);
  }
  void close(std::uint64_t link_id) override { closed.push_back(link_id); }
  void refuse_copy(origin_id, std::uint64_t run) override {
    refused_runs.push_back(run);
  }
  void send(std::uint64_t link_id, std::string bytes) override {
    said[link_id] = std::move(bytes);
  }
  void save(const member& who) override {
    owed.push_back(who);
    ++saves;
  }
  void ask_seen(origin_id who) override { asked_seen.insert(who); }
  void tell_members(std::vector<member> all) override { members = all; }
  void tell_up(const member& who, std::uint64_t run,
               std::uint64_t link_id) override {
    up[who.origin] = {who.origin, run, link_id};
  }
  void tell_down(const member& who) override { up.erase(who.origin); }
  void tell_copied() override { is_copied = true; }
  void tell_forgotten(std::uint64_t seen_hlc, bool) override {
    forgotten_upto = seen_hlc;
  }
  void note(link_event what, const member& who, std::string_view why) override {
    noted.emplace_back(what, who.name);
    if (what == link_event::down)
      last_reason = why;
  }

  static constexpr std::uint64_t own_run = 500;
  steady_time time = steady_time{} + 1h;
  bool disk_takes = true;
  addresses dialled;
  ids adopted;
  ids closed;
  ids refused_runs;
  std::map<std::uint64_t, std::string> said;
  std::vector<member> owed;
  int saves = 0;
  std::set<origin_id> asked_seen;
  std::vector<member> members;
  std::map<origin_id, told_up> up;
  bool is_copied = false;
  std::uint64_t forgotten_upto = 0;
  std::vector<std::pair<link_event, std::string>> noted;
  std::string last_reason;
  link_book book;
};

} // namespace

// -- a link's beginning

TEST_CASE("a known member's connection is adopted at once, and up once it has "
          "greeted") {
  node x;
  x.connects(ann, 1, 100);
  CHECK(x.adopted == ids{100});
  CHECK_FALSE(x.is_up(ann.origin));
  x.greets(100);
  CHECK(x.up.at(ann.origin).link_id == 100);
  CHECK(x.up.at(ann.origin).run == 1);
  CHECK(x.last_list(100).size() == 3);
  CHECK(x.saves == 0);
}

TEST_CASE("what comes on a link before its greeting is nobody's word") {
  node x;
  x.connects(ann, 1, 100);
  CHECK_FALSE(x.book.frame_came(100, encode(heartbeat_frame{}), x.time));
  x.greets(100);
  CHECK(x.book.frame_came(100, encode(heartbeat_frame{}), x.time)
        == ann.origin);
  CHECK_FALSE(x.book.frame_came(999, encode(heartbeat_frame{}), x.time));
}

TEST_CASE("of two dials that cross the first connection becomes the link") {
  node x;
  x.connects(ann, 1, 100, ann.address);
  x.connects(ann, 1, 101);
  CHECK(x.adopted == ids{100});
  CHECK(x.closed == ids{101});
  x.greets(101);
  CHECK_FALSE(x.is_up(ann.origin));
  x.greets(100);
  CHECK(x.is_up(ann.origin));
  x.connects(ann, 1, 102);
  CHECK(x.was_closed(102));
  CHECK(x.up.at(ann.origin).link_id == 100);
}

TEST_CASE("two peers have a link each, and one's end is not the other's") {
  node x;
  x.links(ann, 1, 100);
  x.links(bob, 2, 200);
  CHECK(x.up.size() == 2);
  x.book.cut(100, "connection lost", false, x.time);
  CHECK_FALSE(x.is_up(ann.origin));
  CHECK(x.is_up(bob.origin));
  CHECK(x.last_reason == "connection lost");
  x.book.cut(100, "connection lost", false, x.time);
  CHECK(x.closed == ids{100});
}

TEST_CASE("a peer whose link was doubtfully silent is let in by its next try") {
  node x;
  x.links(ann, 1, 100);
  x.wait(1'001ms);
  x.connects(ann, 1, 101);
  CHECK_FALSE(x.is_up(ann.origin));
  CHECK(x.last_reason == "replaced");
  CHECK(x.was_closed(101)); // both sides let go first
  x.links(ann, 1, 102);
  CHECK(x.up.at(ann.origin).link_id == 102);
}

TEST_CASE("a lost peer is dialled again") {
  node x;
  x.book.beat(x.time);
  CHECK(x.dialled.size() == 2);
  x.connects(ann, 1, 100, ann.address);
  x.greets(100);
  x.dialled.clear();
  x.speaks_for(100, 5s);
  CHECK(x.dialled.empty());
  x.book.cut(100, "connection lost", false, x.time);
  x.beat_for(4s);
  CHECK(x.dialled == addresses{ann.address});
}

// -- silence

TEST_CASE("a silent link is cut after two seconds, a speaking one is not") {
  node x;
  x.links(ann, 1, 100);
  x.links(bob, 2, 200);
  x.speaks_for(200, 2'500ms);
  CHECK_FALSE(x.is_up(ann.origin));
  CHECK(x.last_reason == "silent");
  CHECK(x.was_closed(100));
  CHECK(x.is_up(bob.origin));
}

TEST_CASE("bytes that make no whole frame yet are a sign of life") {
  node x;
  x.links(ann, 1, 100);
  for (int i = 0; i < 40; ++i) {
    x.wait(250ms);
    x.book.heard(100, x.time);
    x.book.beat(x.time);
  }
  CHECK(x.is_up(ann.origin));
  x.beat_for(2'500ms);
  CHECK_FALSE(x.is_up(ann.origin));
}

TEST_CASE("a link without a greeting ends in time, whatever comes on it") {
  node x;
  x.connects(ann, 1, 100);
  for (int i = 0; i < 12; ++i) {
    x.book.heard(100, x.time);
    x.book.beat(x.time);
    x.wait(250ms);
  }
  CHECK_FALSE(x.was_closed(100));
  x.wait(1ms);
  x.book.beat(x.time);
  CHECK(x.was_closed(100));
  x.greets(100);
  CHECK_FALSE(x.is_up(ann.origin));
  CHECK(x.noted.empty());
}

// -- one identity, two processes

TEST_CASE("a restarted peer that is seen before its old link is missed is no "
          "copy") {
  node x;
  x.links(ann, 1, 100);
  x.wait(200ms);
  x.connects(ann, 2, 101); // the old link was heard a moment ago
  CHECK(x.was_closed(101));
  CHECK(x.is_up(ann.origin));
  x.wait(900ms);
  x.connects(ann, 2, 102); // it has been silent since
  CHECK_FALSE(x.is_up(ann.origin));
  x.links(ann, 2, 103);
  CHECK(x.up.at(ann.origin).run == 2);
  CHECK(x.refused_runs.empty());
}

TEST_CASE("a second process beside one that goes on speaking is a copy after "
          "a while") {
  node x;
  x.links(ann, 1, 100);
  for (int i = 0; i < 5; ++i) {
    x.connects(ann, 2, 200 + static_cast<std::uint64_t>(i));
    x.speaks_for(100, 1s);
  }
  CHECK(x.refused_runs.empty());
  x.speaks_for(100, 250ms);
  x.connects(ann, 2, 300);
  CHECK(x.refused_runs == ids{2});
  CHECK(x.noted.back() == std::pair{link_event::copied, ann.name});
  CHECK(x.up.at(ann.origin).run == 1);
  CHECK(x.adopted == ids{100});
}

TEST_CASE("a copy that only introduces itself is found out too") {
  node x;
  x.links(ann, 1, 100);
  x.book.introduced({ann, 2, {}}, x.time);
  x.speaks_for(100, 6s);
  x.book.introduced({ann, 2, {}}, x.time);
  CHECK(x.refused_runs == ids{2});
}

TEST_CASE("a claim from long ago does not count") {
  node x;
  x.links(ann, 1, 100);
  x.connects(ann, 2, 101);
  x.speaks_for(100, 40s);
  x.connects(ann, 2, 102);
  CHECK(x.refused_runs.empty());
}

TEST_CASE("of two processes with this node's identity the later one gives "
          "way") {
  node x;
  x.book.called_copy(self, node::own_run + 1);
  CHECK_FALSE(x.is_copied);
  x.book.called_copy(self, node::own_run - 1);
  CHECK(x.is_copied);
}

TEST_CASE("a node that a peer calls a copy believes it") {
  node x;
  x.book.called_copy(ann, node::own_run + 1);
  CHECK(x.is_copied);
}

TEST_CASE("a peer that restarts in a loop fills no memory with claims") {
  node x;
  x.links(ann, 1, 100);
  for (std::uint64_t run = 2; run < 2'000; ++run) {
    x.speaks(100);
    x.connects(ann, run, 1'000 + run);
    x.wait(10ms);
  }
  CHECK(x.book.claims() == link_claims::claims_max);
  CHECK(x.book.size() == 1);
}

TEST_CASE("a copy is found out beside a peer that restarts in a loop") {
  node x;
  x.links(ann, 1, 100);
  x.links(bob, 1, 200);
  for (std::uint64_t run = 2; run < 1'000; ++run) {
    x.speaks(100);
    x.speaks(200);
    x.connects(ann, run, 1'000 + run);
    if (run % 100 == 2)
      x.connects(bob, 2, 10'000 + run);
    x.wait(10ms);
  }
  CHECK(x.refused_runs == ids{2, 2, 2, 2});
}

// -- faulty peers

namespace {

/// Commits a fault at once on a new link.
/// @return for how long no connection becomes a link then, about.
std::chrono::milliseconds pause_after_fault(node& x, std::uint64_t& link_id) {
  x.links(ann, 1, ++link_id);
  REQUIRE(x.is_up(ann.origin));
  x.says_nonsense(link_id);
  REQUIRE_FALSE(x.is_up(ann.origin));
  const auto since = x.time;
  do {
    x.wait(50ms);
    x.connects(ann, 1, ++link_id);
  } while (!x.was_adopted(link_id));
  x.book.cut(link_id, "test", false, x.time);
  return std::chrono::duration_cast<std::chrono::milliseconds>(x.time - since);
}

} // namespace

TEST_CASE("a peer that sends a frame that is none is kept out for a while") {
  node x;
  x.links(ann, 1, 100);
  x.says_nonsense(100);
  CHECK_FALSE(x.is_up(ann.origin));
  CHECK(x.noted.at(1) == std::pair{link_event::refused_frame, ann.name});
  x.connects(ann, 1, 101);
  CHECK(x.was_closed(101));
  x.links(bob, 1, 200); // the others are none of it
  CHECK(x.is_up(bob.origin));
  x.wait(1s);
  x.links(ann, 1, 102);
  CHECK(x.is_up(ann.origin));
}

TEST_CASE("a peer that is lost without a fault is not kept out") {
  node x;
  x.links(ann, 1, 100);
  x.book.cut(100, "connection lost", false, x.time);
  x.links(ann, 1, 101);
  CHECK(x.is_up(ann.origin));
}

TEST_CASE("each fault keeps its peer out for longer, up to a bound, and a good "
          "while without one is forgiven") {
  node x;
  std::uint64_t link_id = 100;
  const auto first = pause_after_fault(x, link_id);
  auto last = first;
  for (int i = 0; i < 6; ++i) {
    const auto next = pause_after_fault(x, link_id);
    CHECK(next > last);
    last = next;
  }
  for (int i = 0; i < 3; ++i)
    CHECK(pause_after_fault(x, link_id) <= 60'050ms);
  x.wait(599s);
  CHECK(pause_after_fault(x, link_id) > 2 * first);
  x.wait(601s);
  CHECK(pause_after_fault(x, link_id) == first);
}

TEST_CASE("faults fill no memory, whoever commits them") {
  node x{{}};
  for (std::uint64_t i = 1; i <= 400; ++i) {
    const member who{1'000 + i, "m" + std::to_string(i),
                     "10.0.0.1:" + std::to_string(i)};
    x.links(who, 1, i);
    x.book.cut(i, "a fault", true, x.time);
  }
  CHECK(x.book.penalties() == link_penalties::peers_max);
}

// -- members

TEST_CASE("a node learns of a member from another one, saves it, dials it and "
          "tells the others") {
  node x{{ann, bob}};
  const member eve{40, "eve", "127.0.0.1:40"};
  x.links(ann, 1, 100);
  x.links(bob, 1, 200);
  x.says_members(100, {ann, eve});
  CHECK(x.saves == 1);
  CHECK(x.members.size() == 4);
  CHECK(x.dialled.back() == eve.address);
  CHECK(std::ranges::count(x.last_list(200), eve) == 1);
}

TEST_CASE("a dial that came to nothing is tried again, one to itself is not") {
  node x;
  x.book.beat(x.time);
  CHECK(x.dialled.size() == 2);
  x.book.dial_failed(ann.address, false, x.time);
  x.book.dial_failed(bob.address, true, x.time);
  x.dialled.clear();
  x.beat_for(4s);
  CHECK(x.dialled == addresses{ann.address});
}

TEST_CASE("a peer with the greater identity is dialled back") {
  node x{{}};
  x.book.introduced({ann, 1, {}}, x.time);
  CHECK(x.dialled == addresses{ann.address});
}

TEST_CASE("linked members are told all members again from time to time") {
  node x;
  x.links(ann, 1, 100);
  x.said.clear();
  x.speaks_for(100, 30s);
  CHECK(x.last_list(100).size() == 3);
}

TEST_CASE("a forgotten member is told so, and no more") {
  auto gone = ann;
  gone.forgotten = 7;
  node x{{gone, bob}};
  x.connects(ann, 1, 100);
  x.greets(100);
  CHECK(x.adopted == ids{100});
  CHECK(std::ranges::count_if(x.last_list(100),
                              [](const member& who) {
                                return who.origin == ann.origin
                                       && who.forgotten == 7;
                              })
        == 1);
  CHECK_FALSE(x.is_up(ann.origin));
  CHECK_FALSE(x.book.frame_came(100, encode(heartbeat_frame{}), x.time));
  // What it says of others is not believed either.
  x.says_members(100, {{40, "eve", "127.0.0.1:40"}});
  CHECK(x.saves == 0);
  x.speaks_for(100, 1'000ms);
  CHECK_FALSE(x.was_closed(100));
  x.speaks_for(100, 500ms);
  CHECK(x.was_closed(100)); // though it went on speaking
  CHECK(x.noted.empty());
}

TEST_CASE("a forgotten member that has to be dialled is dialled back once, to "
          "be told") {
  auto gone = ann;
  gone.forgotten = 7;
  node x{{gone}};
  x.book.introduced({ann, 1, {}}, x.time);
  CHECK(x.dialled == addresses{ann.address});
  x.beat_for(10s);
  CHECK(x.dialled.size() == 1);
}

TEST_CASE("a member that others forget loses its link") {
  node x;
  x.links(ann, 1, 100);
  x.links(bob, 1, 200);
  auto gone = bob;
  gone.forgotten = 9;
  x.says_members(100, {gone});
  CHECK_FALSE(x.is_up(bob.origin));
  CHECK(x.was_closed(200));
  CHECK(x.is_up(ann.origin));
}

TEST_CASE("a node that was forgotten hears of it") {
  node x;
  x.links(ann, 1, 100);
  auto gone = self;
  gone.forgotten = 9;
  x.says_members(100, {gone});
  CHECK(x.forgotten_upto == 9);
}

TEST_CASE("only a member without a link may be forgotten") {
  node x;
  x.links(ann, 1, 100);
  CHECK(x.book.may_forget("ann").error().code == errc::conflict);
  CHECK(x.book.may_forget("self").error().code == errc::conflict);
  CHECK(x.book.may_forget("nobody").error().code == errc::not_found);
  REQUIRE(x.book.may_forget("bob").has_value());
  x.book.forget(bob.origin, 5, x.time);
  CHECK(x.book.roster().is_forgotten(bob.origin));
  CHECK(x.noted.back() == std::pair{link_event::forgotten, bob.name});
  CHECK(x.book.may_forget("bob").error().code == errc::not_found);
}

TEST_CASE("a member whose directory was replaced is forgotten") {
  node x;
  auto reborn = ann;
  reborn.origin = 99;
  x.links(reborn, 1, 100);
  x.book.beat(x.time);
  CHECK(x.asked_seen == std::set<origin_id>{ann.origin});
}

// -- a member is durable before its link opens

TEST_CASE("a new member's link opens once the member is durable") {
  node x{{}};
  x.disk_takes = false;
  x.connects(ann, 1, 100);
  CHECK(x.saves == 1);
  CHECK(x.adopted.empty());
  x.greets(100); // it cannot: nobody has adopted the connection
  CHECK_FALSE(x.is_up(ann.origin));
  x.disk_takes = true;
  x.confirm_saves();
  CHECK(x.adopted == ids{100});
  x.greets(100);
  CHECK(x.is_up(ann.origin));
}

TEST_CASE("while the disk refuses a member it is asked again, and its "
          "connections end unopened") {
  node x{{}};
  x.disk_takes = false;
  x.connects(ann, 1, 100);
  x.owed.clear(); // refused
  x.beat_for(10s);
  CHECK(x.saves >= 9);
  CHECK(x.saves <= 11);
  CHECK(x.was_closed(100));
  CHECK(x.adopted.empty());
  x.connects(ann, 1, 101);
  x.owed.assign(1, ann);
  x.disk_takes = true;
  x.confirm_saves();
  CHECK(x.adopted == ids{101});
  CHECK(x.book.is_saved(ann.origin));
  x.beat_for(1s);
  const auto saved = x.saves;
  x.beat_for(5s);
  CHECK(x.saves == saved);
}

TEST_CASE("a member that was only heard of is durable before its link, too") {
  node x{{bob}};
  x.disk_takes = false;
  x.links(bob, 1, 200);
  x.says_members(200, {ann});
  x.connects(ann, 1, 100);
  CHECK(x.adopted == ids{200});
  x.disk_takes = true;
  x.confirm_saves();
  CHECK(x.adopted == ids{200, 100});
}

TEST_CASE("a durable member that has moved need not wait for the disk") {
  node x{{ann}};
  x.disk_takes = false;
  auto moved = ann;
  moved.address = "127.0.0.1:21";
  x.connects(moved, 1, 100);
  CHECK(x.saves == 1);
  CHECK(x.adopted == ids{100});
  CHECK_FALSE(x.book.is_saved(ann.origin));
}

TEST_CASE("the confirmation of what is outdated does not stop the newer from "
          "being saved") {
  node x{{}};
  x.disk_takes = false;
  x.connects(ann, 1, 100);
  auto moved = ann;
  moved.address = "127.0.0.1:21";
  x.book.introduced({moved, 1, {}}, x.time);
  x.book.saved(ann, x.time);
  CHECK_FALSE(x.book.is_saved(ann.origin));
  const auto before = x.saves;
  x.beat_for(2s);
  CHECK(x.saves > before);
  x.book.saved(moved, x.time);
  CHECK(x.book.is_saved(ann.origin));
}

TEST_CASE("a member that is forgotten before it is durable gets no link") {
  node x{{bob}};
  x.links(bob, 1, 200);
  x.disk_takes = false;
  x.connects(ann, 1, 100);
  auto gone = ann;
  gone.forgotten = 3;
  x.says_members(200, {gone});
  CHECK(x.was_closed(100));
  x.disk_takes = true;
  x.confirm_saves();
  CHECK(x.adopted == ids{200});
}
