// How a node comes out of its data directory.

#include "actors/node_parts.hpp"
#include "cluster/hmac.hpp"
#include "storage/key_hash.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

namespace panal {

namespace {

constexpr std::size_t shards_by_default_max = 8;
/// Of a run's identity; the rest is the time of its start.
constexpr std::uint64_t run_random_bits = 0xffff;

std::size_t shard_count(const options& settings) {
  if (settings.shards > 0)
    return settings.shards;
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1,
                                 shards_by_default_max);
}

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// Secret from clients, and the same at all members.
std::uint64_t digest_secret_of(const options& settings) {
  const auto hash = sha256(
      {"panal digest|", settings.cluster_name, "|", settings.cluster_secret});
  std::uint64_t secret = 0;
  std::memcpy(&secret, hash.data(), sizeof secret);
  return secret;
}

void note_stamps(std::map<origin_id, std::uint64_t>& newest,
                 std::string_view entry) {
  const auto note = [&newest](const stamp& at) {
    if (at != stamp{}) {
      auto& of = newest[at.origin];
      of = std::max(of, at.hlc);
    }
  };
  note(floor_of(entry));
  put_headers puts{entry};
  for (put_header put; puts.next(put);)
    note(put.at);
}

} // namespace

result<node_memory> remember(store& disk, const options& settings,
                             hybrid_clock& stamps) {
  auto members = disk.members();
  auto cursors = disk.cursors();
  auto facts = disk.facts();
  auto runs = disk.runs();
  if (!members)
    return members.error();
  if (!cursors)
    return cursors.error();
  if (!facts)
    return facts.error();
  if (!runs)
    return runs.error();
  node_memory memory;
  memory.known = std::move(*members);
  memory.last = disk.last_position();
  auto& own = memory.replica;
  own.self = {disk.origin(), settings.node_id, {}, 0};
  own.cluster = settings.cluster_name;
  own.cursors = std::move(*cursors);
  own.facts = std::move(*facts);
  own.runs = std::move(*runs);
  own.has_data = memory.last > 0;
  own.seed = random_number();
  stamps.observe({own.facts[fact::promised], 0});
  stamps.observe({own.facts[fact::line], 0});
  const auto started = stamps.promise();
  const run_record run{(started & ~run_random_bits)
                           | (random_number() & run_random_bits) | 1,
                       started, memory.last};
  if (auto added = disk.add_run(run); !added)
    return added.error();
  own.runs[own_change].push_back(run);
  return memory;
}

node::parts::parts(const options& given, std::unique_ptr<store> disk,
                   const clock& time)
    : settings{given},
      wall_clock{time},
      stamps{disk->origin(), time},
      digest_secret{digest_secret_of(given)},
      config{given},
      opened{std::move(disk)} {
  // nop
}

result<void> node::parts::load() {
  auto found = opened->members();
  if (!found)
    return found.error();
  memory.known = std::move(*found);
  const auto count = shard_count(settings);
  for (std::size_t i = 0; i < count; ++i) {
    table_config bounds;
    bounds.shard = i;
    bounds.level = settings.durable;
    bounds.memory_bytes_max = settings.max_memory_bytes / count;
    bounds.keeps_tombstones = has_peers();
    bounds.gate = &serves;
    bounds.digests = settings.clustered ? &digests : nullptr;
    bounds.digest_secret = digest_secret;
    tables.push_back(std::make_shared<table>(bounds, stamps));
  }
  std::map<origin_id, std::uint64_t> newest;
  const auto loaded =
      opened->load([&](std::string_view key, std::string_view entry, position) {
        note_stamps(newest, entry);
        if (key != cleared_key)
          return tables[shard_of(key_hash(key), count)]->load(key, entry);
        for (auto& keys : tables)
          keys->load(key, entry);
      });
  if (!loaded)
    return loaded;
  auto read = remember(*opened, settings, stamps);
  if (!read)
    return read.error();
  memory = std::move(*read);
  memory.replica.newest_of = std::move(newest);
  for (auto& keys : tables)
    keys->set_line(memory.replica.facts[fact::line]);
  return {};
}

} // namespace panal
