#include "actors/node.hpp"

#include "actors/caf_link.hpp"
#include "actors/gatekeeper.hpp"
#include "actors/journal_actor.hpp"
#include "actors/membership_actor.hpp"
#include "actors/replicator_actor.hpp"
#include "actors/shard_actor.hpp"
#include "actors/shard_gateway.hpp"
#include "logging/log.hpp"
#include "storage/key_hash.hpp"
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

constexpr std::size_t shards_by_default_max = 8;
/// So that one busy shard does not keep a worker from the others.
constexpr std::size_t messages_per_turn = 300;

/// Work sharing wakes a sleeping worker at once and does not poll while idle;
/// stealing costs 1 % of a core at rest and milliseconds under load.
struct system_config : caf::actor_system_config {
  explicit system_config(const options& settings) {
    if (settings.clustered)
      load<caf::io::middleman>();
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", worker_count());
    set("scheduler.max-throughput", messages_per_turn);
  }

  static std::size_t worker_count() {
    return std::max<std::size_t>(2, std::thread::hardware_concurrency());
  }
};

std::size_t shard_count(const options& settings) {
  if (settings.shards > 0)
    return settings.shards;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1,
                                 shards_by_default_max);
}

result<std::unique_ptr<store>> open_store(const options& settings) {
  if (settings.data_dir == ":memory:")
    return memory_store::open(settings.node_id);
  sqlite_config config;
  config.directory = settings.data_dir;
  config.level = settings.durable;
  config.node_name = settings.node_id;
  return sqlite_store::open(config);
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

struct node::parts {
  parts(const options& given, std::unique_ptr<store> disk, const clock& time)
      : settings{given},
        wall_clock{time},
        stamps{disk->origin(), time},
        config{given},
        opened{std::move(disk)} {
    // nop
  }

  const options& settings;
  const clock& wall_clock;
  hybrid_clock stamps;
  system_config config;
  /// The store, until the journal takes it over.
  std::unique_ptr<store> opened;
  origin_id origin = opened->origin();
  std::vector<member> known;
  std::map<origin_id, position> cursors;
  std::vector<table_ptr> tables;
  std::unique_ptr<caf::actor_system> system;
  std::vector<caf::actor> shards;
  caf::actor journal;
  caf::actor replicator;
  caf::actor membership;
  std::unique_ptr<gatekeeper> gate;
  node_gate serves;

  result<void> load();
  void spawn();
  void spawn_cluster(const member& self);
  void stop(caf::actor& part);
};

result<void> node::parts::load() {
  auto members = opened->members();
  auto saved = opened->cursors();
  if (!members || !saved)
    return members ? saved.error() : members.error();
  known = std::move(*members);
  cursors = std::move(*saved);
  const auto count = shard_count(settings);
  for (std::size_t i = 0; i < count; ++i) {
    table_config bounds;
    bounds.shard = i;
    bounds.level = settings.durable;
    bounds.memory_bytes_max = settings.max_memory_bytes / count;
    bounds.keeps_tombstones = settings.clustered || !known.empty();
    tables.push_back(std::make_shared<table>(bounds, stamps));
  }
  return opened->load(
      [this](std::string_view key, std::string_view entry, position) {
        tables[shard_of(key_hash(key), tables.size())]->load(key, entry);
      });
}

void node::parts::spawn() {
  system = std::make_unique<caf::actor_system>(config);
  harden(*system);
  journal_config bounds;
  bounds.shards = tables.size();
  auto log = std::make_shared<panal::journal>(bounds, std::move(opened));
  journal = guarded(system->spawn<caf::detached>(journal_actor, std::move(log)),
                    "journal");
  for (auto& keys : tables)
    shards.push_back(
        guarded(system->spawn(shard_actor, std::move(keys), journal), "shard"));
  tables.clear();
  caf::anon_send(journal, feed_atom_v, shards);
  for (const auto& shard : shards)
    caf::anon_send(shard, sweep_atom_v);
}

void node::parts::spawn_cluster(const member& self) {
  replicator_config spread;
  spread.cursors = cursors;
  replicator = guarded(system->spawn(replicator_actor, spread, shards, journal),
                       "replicator");
  caf::anon_send(journal, feed_atom_v, replicator);
  for (const auto& shard : shards)
    caf::anon_send(shard, feed_atom_v, replicator);
  auto setup = std::make_shared<membership_setup>();
  setup->roster = std::make_unique<panal::membership>(
      self, known, settings.join, std::random_device{}());
  setup->dial = [this](const std::string& address) { gate->dial(address); };
  setup->wall_clock = [this] { return wall_clock.now(); };
  setup->replicator = replicator;
  setup->journal = journal;
  membership =
      guarded(system->spawn(membership_actor, std::move(setup)), "membership");
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
  return std::make_unique<shard_gateway>(loop, parts_->shards);
}

const node_gate& node::gate() const noexcept {
  return parts_->serves;
}

result<std::string> node::join_cluster() {
  auto& p = *parts_;
  if (!p.settings.clustered)
    return std::string{};
  gatekeeper_config config;
  config.host = p.settings.cluster_host;
  config.port = p.settings.cluster_port;
  config.secret = p.settings.cluster_secret;
  config.cluster_name = p.settings.cluster_name;
  config.tls = {p.settings.cluster_tls_cert, p.settings.cluster_tls_key,
                p.settings.cluster_tls_ca};
  config.self = {p.origin, p.settings.node_id, p.settings.cluster_advertise};
  p.gate = std::make_unique<gatekeeper>(config);
  // The membership actor is spawned once the bound port is known; what comes
  // before that waits for it in the promise.
  auto to_membership = std::make_shared<std::promise<caf::actor>>();
  const auto ready = to_membership->get_future().share();
  gatekeeper::callbacks on;
  on.on_admitted = [ready](admitted_peer who) {
    caf::anon_send(ready.get(),
                   std::make_shared<admitted_peer>(std::move(who)));
  };
  on.on_introduced = [ready](const member& who, std::uint64_t,
                             const std::string& dialled) {
    caf::anon_send(ready.get(), introduction{who, dialled});
  };
  on.on_dial_failed = [ready](const std::string& address, dial_failure reason) {
    caf::anon_send(ready.get(), failed_dial{address, reason});
  };
  const auto port = p.gate->start(std::move(on));
  if (!port) {
    p.gate = nullptr;
    to_membership->set_value(caf::actor{});
    return port.error();
  }
  p.spawn_cluster(p.gate->self());
  to_membership->set_value(p.membership);
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
