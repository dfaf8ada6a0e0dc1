// How a node's parts come to be: what the options mean for them.

#include "actors/node_parts.hpp"
#include "cluster/hmac.hpp"
#include "logging/log.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <thread>

namespace panal {

namespace {

constexpr std::size_t shards_by_default_max = 8;

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

/// Says once what could not be read, and what follows from it.
void tell_of_damage(const loaded_node& made, node_conditions& conditions) {
  const auto& found = made.damage;
  if (found.rows() > 0)
    conditions.set(condition::damaged_rows, found.rows());
  if (found.rows() + found.keys() == 0)
    return;
  const auto* means = "no other node is known to hold copies: the rest is "
                      "served";
  if (made.replica.damage == damage_grade::unsound)
    means = "nothing is served until a member has given its state";
  else if (found.rows() == 0)
    means = "these keys are refused until a member has given them, or they are "
            "deleted";
  log::error("disk_damaged", {{"unreadable", found.text()}, {"means", means}});
}

} // namespace

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
  node_load_config wanted;
  wanted.node_name = settings.node_id;
  wanted.cluster_name = settings.cluster_name;
  wanted.shards = shard_count(settings);
  wanted.random = random_number();
  wanted.clustered = settings.clustered;
  wanted.unreadable = &unreadable;
  auto& bounds = wanted.tables;
  bounds.level = settings.durable;
  bounds.memory_bytes_max = settings.max_memory_bytes / wanted.shards;
  bounds.keeps_tombstones = settings.clustered;
  bounds.gate = &serves;
  bounds.digests = settings.clustered ? &digests : nullptr;
  bounds.counts = &counts;
  bounds.digest_secret = digest_secret;
  auto made = load_node(*opened, wanted, stamps);
  if (!made)
    return made.error();
  loaded = std::move(*made);
  tell_of_damage(loaded, conditions);
  return {};
}

} // namespace panal
