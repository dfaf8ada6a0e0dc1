#pragma once

// Every setting of a node: a plain struct with its defaults. config/load.hpp
// fills it from flags, environment and file.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace panal {

/// When a write is answered.
enum class durability : std::uint8_t {
  /// At once; the commit follows. A crash can lose the last moments.
  memory,
  /// After its SQLite commit: survives kill -9 of the node.
  disk,
  /// After its commit was fsynced: survives a power cut.
  sync,
};

enum class log_level : std::uint8_t { debug, info, warning, error };
enum class log_format : std::uint8_t { text, json };

struct options {
  /// Name in answers and logs: 1 to 64 characters of [A-Za-z0-9._-].
  std::string node_id = "node1";

  std::string http_host = "127.0.0.1";
  /// 0 lets the system choose; the `serving` log line tells which.
  std::uint16_t http_port = 8080;
  /// Threads that serve HTTP, each with its own loop.
  std::size_t http_threads = 1;
  std::size_t max_connections = 10'000;
  std::size_t max_value_bytes = std::size_t{1024} * 1024;
  std::size_t max_key_bytes = 1024;
  /// How long a request may wait for its answer before it gets a 503.
  std::chrono::milliseconds request_timeout{5'000};
  /// From the first byte (or the accept) to the end of a request's header.
  std::chrono::milliseconds header_timeout{10'000};
  /// From the header's end to the body's; also at least 1 KB/s after 1 s.
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds idle_timeout{60'000};
  /// How long a client may take to read an answer.
  std::chrono::milliseconds write_timeout{30'000};

  /// True when a cluster port was set (0 lets the system choose).
  bool clustered = false;
  std::string cluster_host = "127.0.0.1";
  std::uint16_t cluster_port = 0;
  /// "host:port" that peers are told to dial; empty: cluster_host:port.
  std::string cluster_advertise;
  /// "host:port" of any members.
  std::vector<std::string> join;
  /// The shared secret's bytes; empty: none (loopback only, or TLS).
  std::string cluster_secret;
  /// Only nodes of the same one talk to each other: as node_id.
  std::string cluster_name = "panal";
  /// Paths of the PEM files of mutual TLS: all three, or all empty.
  std::string cluster_tls_cert;
  std::string cluster_tls_key;
  std::string cluster_tls_ca;

  /// ":memory:" keeps nothing.
  std::string data_dir = "./data";
  durability durable = durability::disk;
  /// Shard actors; 0: one per core, at most 8.
  std::size_t shards = 0;
  /// Bound of what the entries may take in memory.
  std::size_t max_memory_bytes = std::size_t{8} << 30;

  log_level level = log_level::info;
  log_format format = log_format::text;
};

} // namespace panal
