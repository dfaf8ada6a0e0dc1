// Whole nodes (shard, journal, replicator) of one process, joined by relays in
// place of the membership actors and their links; no threads, no sockets.

#include "actors/journal_actor.hpp"
#include "actors/replicator_actor.hpp"
#include "actors/shard_actor.hpp"
#include "storage/memory_store.hpp"
#include "tests/support/actor_fixture.hpp"
#include "tests/support/faulty_store.hpp"

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include <map>

using namespace panal;
using namespace std::chrono_literals;

namespace {

/// Stands for the peer's end of a link: what is sent to it comes to the
/// peer's replicator as said by `from`.
caf::behavior relay(caf::event_based_actor*, origin_id from,
                    caf::actor replicator) {
  return {[=](frame_atom, std::uint64_t link, std::string& bytes) {
    caf::anon_send(replicator, peer_frame{from, link, std::move(bytes)});
  }};
}

/// Stands for the membership actor: counts the links that are to be cut since
/// the peer is faulty.
caf::behavior cut_counter(caf::event_based_actor*, int* cuts) {
  return {[=](const cut_request& cut) { *cuts += cut.faulty ? 1 : 0; }};
}

/// A node's actors and what a test needs to see of it.
struct small_node {
  small_node(caf::actor_system& system, const panal::clock& time,
             origin_id origin, const replica_config& spread)
      : stamps{origin, time} {
    auto faulty = std::make_unique<test::faulty_store>(
        std::make_unique<memory_store>(origin));
    disk = faulty.get();
    table_config bounds;
    bounds.keeps_tombstones = true;
    keys = std::make_shared<table>(bounds, stamps);
    journal_setup keeps;
    keeps.log =
        std::make_shared<panal::journal>(journal_config{}, std::move(faulty));
    keeps.conditions = &conditions;
    journal = system.spawn(journal_actor, std::move(keeps));
    shard = system.spawn(shard_actor, shard_setup{keys, {0, 1, &digests, 0}},
                         journal);
    auto setup = std::make_shared<replicator_setup>();
    setup->config = spread;
    setup->config.cursor_pause = 0ms; // at each beat: this clock is real
    setup->memory.self = {origin, "node", "host:1", 0};
    setup->memory.runs[own_change] = {{origin, 1, 0}};
    setup->stamps = &stamps;
    setup->gate = &gate;
    setup->digests = &digests;
    setup->wall_clock = &time;
    setup->shards = {shard};
    setup->journal = journal;
    replicator = system.spawn(replicator_actor, setup);
    membership = system.spawn(cut_counter, &cuts);
    caf::anon_send(journal, feed_atom_v, std::vector<caf::actor>{shard});
    caf::anon_send(journal, feed_atom_v, replicator);
    caf::anon_send(shard, feed_atom_v, replicator);
    caf::anon_send(replicator, feed_atom_v, membership);
    caf::anon_send(replicator,
                   members_known{{{1, "a", "a:1", 0}, {2, "b", "b:1", 0}}});
  }

  hybrid_clock stamps;
  node_gate gate;
  node_conditions conditions;
  digest_tree digests{2};
  int cuts = 0;
  test::faulty_store* disk = nullptr;
  table_ptr keys;
  caf::actor journal;
  caf::actor shard;
  caf::actor replicator;
  caf::actor membership;
};

struct pair_fixture : test::actor_fixture {
  explicit pair_fixture(const replica_config& spread = {})
      : a{system, time, 1, spread}, b{system, time, 2, spread} {
    deliver();
  }

  ~pair_fixture() {
    unlink();
    for (auto* node : {&a, &b})
      for (auto* part :
           {&node->replicator, &node->membership, &node->shard, &node->journal})
        stop(*part);
    for (auto& end : relays)
      stop(end);
  }

  /// A new link between the two; an earlier one is gone.
  void link() {
    ++link_id;
    connect(a, b, 1, 2);
    connect(b, a, 2, 1);
    deliver();
  }
  void unlink() {
    caf::anon_send(a.replicator, peer_link{{2, "b", "b:1", 0}, 2, 0, {}});
    caf::anon_send(b.replicator, peer_link{{1, "a", "a:1", 0}, 1, 0, {}});
    deliver();
  }
  void connect(small_node& from, small_node& to, origin_id own,
               origin_id peer) {
    relays.push_back(system.spawn(relay, own, to.replicator));
    caf::anon_send(
        from.replicator,
        peer_link{{peer, "peer", "peer:1", 0}, peer, link_id, relays.back()});
  }

  void put(small_node& at, const std::string& key, std::int64_t version) {
    apply(at, {verb::put, key, "\"v\"", version, 0});
  }
  void apply(small_node& at, operation op) {
    const auto home = std::make_shared<reply_inbox>(loop.get_executor());
    auto batch = std::make_shared<operation_batch>(home);
    batch->requests.push_back(std::make_unique<loop_request>(
        std::move(op), std::make_shared<deaf_sink>(), 1, home));
    caf::anon_send(at.shard, batch);
    deliver();
  }
  answer get(small_node& at, const std::string& key) {
    operation op{verb::get, key, {}, 0, 0, {}};
    return at.keys->apply(op).reply;
  }

  struct deaf_sink : answer_sink {
    void on_answer(std::uint64_t, answer) override {}
  };

  manual_clock time;
  boost::asio::io_context loop;
  std::uint64_t link_id = 0;
  small_node a;
  small_node b;
  std::vector<caf::actor> relays;
};

} // namespace

TEST_CASE("a write at one node is readable at the other") {
  pair_fixture f;
  f.link();
  f.put(f.a, "k", 3);
  CHECK(f.get(f.b, "k").version == 3);
}

TEST_CASE("an acknowledged cursor is saved and nothing is sent back") {
  pair_fixture f;
  f.link();
  f.put(f.a, "k", 3);
  f.advance(500ms);
  CHECK(f.a.disk->cursors()->at(2) == 1);
  CHECK(f.b.disk->last_position() == 1);
  CHECK(f.b.disk->cursors()->at(1) == 1);
  CHECK(f.a.disk->last_position() == 1);
}

TEST_CASE("what was written apart is exchanged when a link comes up") {
  pair_fixture f;
  f.put(f.a, "only a", 1);
  f.put(f.b, "only b", 1);
  f.put(f.a, "both", 5);
  f.put(f.b, "both", 4);
  f.link();
  for (auto* node : {&f.a, &f.b}) {
    CHECK(f.get(*node, "only a").code == errc::ok);
    CHECK(f.get(*node, "only b").code == errc::ok);
    CHECK(f.get(*node, "both").version == 5);
  }
}

TEST_CASE("deletes reach the other node, and a later put lives") {
  pair_fixture f;
  f.link();
  f.put(f.a, "k", 9);
  f.time.advance(1);
  f.apply(f.b, {verb::remove, "k", {}, 0, 0});
  CHECK(f.get(f.a, "k").code == errc::not_found);
  f.time.advance(1);
  f.put(f.a, "k", 1);
  CHECK(f.get(f.b, "k").version == 1);
}

TEST_CASE("a peer that lags behind memory is served from the store") {
  replica_config config;
  config.recent_bytes_max = 500;
  config.window.frame_changes_max = 7;
  pair_fixture f{config};
  for (int i = 0; i < 100; ++i)
    f.put(f.a, std::to_string(i), 1);
  f.link();
  CHECK(f.b.keys->size() == 100);
  CHECK(f.b.disk->last_position() == 100);
}

TEST_CASE("a peer that comes back is sent only what it has not acknowledged") {
  pair_fixture f;
  f.link();
  for (int i = 0; i < 10; ++i)
    f.put(f.a, std::to_string(i), 1);
  f.unlink();
  f.put(f.a, "later", 1);
  CHECK(f.get(f.b, "later").code == errc::not_found);
  f.link();
  CHECK(f.get(f.b, "later").code == errc::ok);
  CHECK(f.b.disk->last_position() == 11);
}

TEST_CASE("what a peer could not store is sent again until it can") {
  pair_fixture f;
  f.link();
  f.b.disk->fail_append(1, errc::storage_full);
  f.put(f.a, "k", 1);
  CHECK(f.get(f.b, "k").code == errc::not_found);
  f.put(f.a, "later", 1); // behind the gap: not taken either
  CHECK(f.get(f.b, "later").code == errc::not_found);
  // The window stalls by the steady clock, so a new link stands for the wait.
  f.unlink();
  f.link();
  CHECK(f.get(f.b, "k").code == errc::ok);
  CHECK(f.get(f.b, "later").code == errc::ok);
}

TEST_CASE("frames of an earlier link, and what is no frame, change nothing") {
  pair_fixture f;
  f.link();
  const change what{1, "k", encode(entry{{9, 9}, {}}), own_change};
  const std::vector<const change*> sent{&what};
  const auto bytes = encode_changes(0, 0, 1, sent);
  caf::anon_send(f.b.replicator, peer_frame{1, f.link_id + 1, bytes});
  f.deliver();
  CHECK(f.b.cuts == 0);
  caf::anon_send(f.b.replicator, peer_frame{1, f.link_id, "garbage"});
  caf::anon_send(f.b.replicator,
                 peer_frame{1, f.link_id, encode(ack_frame{1'000, 0})});
  f.deliver();
  CHECK(f.b.cuts == 2);
  CHECK(f.b.disk->last_position() == 0);
  f.put(f.a, "k", 2);
  CHECK(f.get(f.b, "k").version == 2);
}

TEST_CASE("what is no entry cuts the link, and is not acknowledged") {
  pair_fixture f;
  f.link();
  const change good{1, "a", encode(entry{{9, 9}, {}}), own_change};
  const change bad{2, "k", "no entry", own_change};
  const std::vector<const change*> sent{&good, &bad};
  caf::anon_send(f.b.replicator,
                 peer_frame{1, f.link_id, encode_changes(0, 0, 2, sent)});
  f.deliver();
  CHECK(f.b.cuts == 1);
  // What stands at these positions in truth is taken over the next link.
  f.unlink();
  f.link();
  f.put(f.a, "k", 2);
  f.put(f.a, "l", 3);
  CHECK(f.get(f.b, "k").version == 2);
  CHECK(f.get(f.b, "l").version == 3);
}
