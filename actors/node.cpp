#include "actors/node.hpp"

#include "actors/caf_link.hpp"
#include "actors/journal_actor.hpp"
#include "actors/membership_actor.hpp"
#include "actors/node_parts.hpp"
#include "actors/shard_gateway.hpp"
#include "cluster/frame.hpp"
#include "logging/log.hpp"
#include "storage/entry.hpp"
#include "storage/memory_store.hpp"
#include "storage/sqlite_store.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <random>
#include <thread>
#include <utility>

namespace panal {

namespace {

/// So that one busy shard does not keep a worker from the others.
constexpr std::size_t messages_per_turn = 300;

/// What CAF puts around a frame in its message.
constexpr std::size_t link_message_extra_bytes = std::size_t{64} * 1024;

std::size_t worker_count() {
  return std::max<std::size_t>(2, std::thread::hardware_concurrency());
}

result<std::unique_ptr<store>> open_store(const options& settings) {
  if (settings.data_dir == ":memory:")
    return memory_store::open(settings.node_id);
  sqlite_config config;
  config.directory = settings.data_dir;
  config.level = settings.durable;
  config.node_name = settings.node_id;
  config.reserve_bytes_max = reserve_bytes_default;
  return sqlite_store::open(config);
}

/// An entry may hold as many concurrent puts as a merge keeps; but not more
/// than there may be of all entries, where that is more than a few.
std::size_t streams_bytes_max(const options& settings) {
  constexpr std::size_t least = std::size_t{96} << 20;
  constexpr std::size_t around_a_value = std::size_t{16} * 1024;
  const auto entry = frontier_max * (settings.max_value_bytes + around_a_value);
  return std::max(least,
                  std::min<std::size_t>(entry, settings.max_memory_bytes));
}

/// A part that ends otherwise than by stop() has met a mistake in our code, and
/// without it requests would hang: the process ends, what was acknowledged is
/// on disk, and whoever supervises the node starts it anew.
caf::actor guarded(caf::actor part, const char* name) {
  part->attach_functor([name](const caf::error& why) {
    if (why == caf::exit_reason::user_shutdown)
      return;
    log::error("part_failed", {{"part", name}, {"reason", to_string(why)}});
    std::abort();
  });
  return part;
}

} // namespace

system_config::system_config(const options& settings) {
  if (settings.clustered)
    load<caf::io::middleman>();
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", worker_count());
  set("scheduler.max-throughput", messages_per_turn);
}

void node::parts::spawn() {
  system = std::make_unique<caf::actor_system>(config);
  harden(*system);
  journal_config bounds;
  bounds.shards = loaded.tables.size();
  auto log = std::make_shared<panal::journal>(bounds, std::move(opened));
  if (loaded.owed_run)
    log->owed().owe_own_run(*loaded.owed_run);
  journal_setup keeps;
  keeps.log = std::move(log);
  keeps.self = {origin, settings.node_id, settings.cluster_advertise, 0};
  keeps.on_rebirth = [this] {
    if (on_rejoin)
      on_rejoin();
  };
  keeps.conditions = &conditions;
  journal = guarded(
      system->spawn<caf::detached>(journal_actor, std::move(keeps)), "journal");
  for (std::size_t i = 0; i < loaded.tables.size(); ++i) {
    shard_setup setup;
    setup.keys = std::move(loaded.tables[i]);
    setup.config = {i, loaded.tables.size(),
                    settings.clustered ? &digests : nullptr, digest_secret};
    shards.push_back(
        guarded(system->spawn(shard_actor, setup, journal), "shard"));
  }
  loaded.tables.clear();
  spawn_replicator();
  caf::anon_send(journal, feed_atom_v, shards);
  caf::anon_send(journal, beat_atom_v);
  for (const auto& shard : shards) {
    caf::anon_send(shard, feed_atom_v, shards);
    caf::anon_send(shard, feed_atom_v, replicator);
    caf::anon_send(shard, start_atom_v);
  }
}

// A single node has one too: it answers for writes that ask for a quorum, and
// questions about the cluster.
void node::parts::spawn_replicator() {
  auto setup = std::make_shared<replicator_setup>();
  setup->config.shards = shards.size();
  setup->config.streams_bytes_max = streams_bytes_max(settings);
  setup->config.clustered = settings.clustered;
  setup->memory = loaded.replica;
  setup->stamps = &stamps;
  setup->gate = &serves;
  setup->conditions = &conditions;
  setup->has_seeds = settings.clustered && !settings.join.empty();
  setup->digests = &digests;
  setup->counts = &counts;
  setup->wall_clock = &wall_clock;
  setup->quorum_patience = settings.request_timeout * 4 / 5;
  setup->shards = shards;
  setup->journal = journal;
  replicator =
      guarded(system->spawn(replicator_actor, std::move(setup)), "replicator");
  caf::anon_send(replicator, feed_atom_v, loaded.last);
}

void node::parts::spawn_cluster(const member& self) {
  auto setup = std::make_shared<membership_setup>();
  setup->roster = std::make_unique<panal::membership>(
      self, loaded.known, settings.join, std::random_device{}());
  setup->run = gate->run();
  setup->dial = [this](const std::string& address) { gate->dial(address); };
  setup->refuse_copy = [this](origin_id who, std::uint64_t run) {
    gate->refuse(who, run, verdict::copied);
  };
  setup->replicator = replicator;
  setup->journal = journal;
  membership =
      guarded(system->spawn(membership_actor, std::move(setup)), "membership");
  caf::anon_send(journal, feed_atom_v, replicator);
  caf::anon_send(replicator, feed_atom_v, membership);
}

// An exit message queues up behind what the actor still has to do.
void node::parts::stop(caf::actor& part) {
  if (!part)
    return;
  caf::scoped_actor self{*system};
  caf::anon_send_exit(part, caf::exit_reason::user_shutdown);
  self->wait_for(std::exchange(part, nullptr));
}

result<std::unique_ptr<node>> node::open(const options& settings,
                                         const clock& time) {
  auto disk = open_store(settings);
  if (!disk)
    return disk.error();
  auto owned = std::make_unique<parts>(settings, std::move(*disk), time);
  if (const auto loaded = owned->load(); !loaded)
    return loaded.error();
  owned->spawn();
  return std::unique_ptr<node>{new node{std::move(owned)}};
}

node::node(std::unique_ptr<parts> owned) : parts_{std::move(owned)} {
  // nop
}

node::~node() {
  stop();
}

std::unique_ptr<gateway> node::make_gateway(boost::asio::io_context& loop) {
  return std::make_unique<shard_gateway>(loop, parts_->shards,
                                         parts_->replicator);
}

const node_gate& node::gate() const noexcept {
  return parts_->serves;
}

const node_conditions& node::conditions() const noexcept {
  return parts_->conditions;
}

result<std::uint16_t>
node::parts::open_gate(std::shared_future<caf::actor> to) {
  gatekeeper_config entrance;
  entrance.host = settings.cluster_host;
  entrance.port = settings.cluster_port;
  entrance.secret = settings.cluster_secret;
  entrance.cluster_name = settings.cluster_name;
  entrance.tls = {settings.cluster_tls_cert, settings.cluster_tls_key,
                  settings.cluster_tls_ca};
  entrance.self = {origin, settings.node_id, settings.cluster_advertise, 0};
  entrance.run = loaded.run;
  entrance.link_message_bytes_max = frame_bytes_max + link_message_extra_bytes;
  gate = std::make_unique<gatekeeper>(entrance);
  gatekeeper::callbacks on;
  on.on_admitted = [to](admitted_peer who) {
    caf::anon_send(to.get(), std::make_shared<admitted_peer>(std::move(who)));
  };
  on.on_introduced = [to](const member& who, std::uint64_t run,
                          const std::string& dialled) {
    caf::anon_send(to.get(), introduction{who, run, dialled});
  };
  on.on_dial_failed = [to](const std::string& address, dial_failure reason) {
    caf::anon_send(to.get(), failed_dial{address, reason});
  };
  on.on_refused = [to](const member& who, std::uint64_t run, verdict why) {
    caf::anon_send(to.get(), disowning{who, run, why});
  };
  on.on_misframed = [to](std::uint64_t link_id, std::string_view why) {
    caf::anon_send(to.get(), cut_request{link_id, std::string{why}, true});
  };
  return gate->start(std::move(on));
}

result<std::string> node::join_cluster(std::function<void()> on_rejoin) {
  auto& p = *parts_;
  if (!p.settings.clustered)
    return std::string{};
  p.on_rejoin = std::move(on_rejoin);
  // The membership actor is spawned once the bound port is known; what comes
  // before that waits for it in the promise.
  std::promise<caf::actor> to_membership;
  const auto port = p.open_gate(to_membership.get_future().share());
  if (!port) {
    p.gate = nullptr;
    return port.error();
  }
  p.spawn_cluster(p.gate->self());
  to_membership.set_value(p.membership);
  return p.settings.cluster_host + ':' + std::to_string(*port);
}

void node::reload() {
  if (parts_->gate)
    static_cast<void>(parts_->gate->reload()); // it has logged what came of it
}

void node::stop() {
  auto& p = *parts_;
  if (!p.system)
    return;
  // The membership lets go of its links before the gatekeeper, which carries
  // those within TLS, can take them away from it.
  p.stop(p.membership);
  if (p.gate)
    p.gate->stop();
  for (auto& shard : p.shards)
    p.stop(shard);
  p.stop(p.replicator);
  p.stop(p.journal);
  p.shards.clear();
  p.system = nullptr;
  p.gate = nullptr;
}

} // namespace panal
