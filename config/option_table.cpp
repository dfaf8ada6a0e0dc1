#include "config/option_table.hpp"

#include "config/address.hpp"
#include "config/option_kinds.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace panal {

namespace {

using namespace std::literals;

constexpr std::uint64_t mebibyte = std::uint64_t{1024} * 1024;
constexpr std::size_t path_bytes_max = 4095;
constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t join_max = 1024;

constexpr auto name_allowed = "1..64 characters of A-Z a-z 0-9 . _ -"sv;
constexpr auto endpoint_allowed =
    "host:port with a port of 1..65535, IPv6 as [::1]:7001"sv;

bool is_name(std::string_view text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= name_bytes_max
         && std::all_of(text.begin(), text.end(), allowed);
}

bool is_path(std::string_view text) {
  auto is_control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  };
  return !text.empty() && text.size() <= path_bytes_max
         && std::none_of(text.begin(), text.end(), is_control);
}

/// Peers are told to dial it, so it has to lead somewhere.
bool is_advertised(std::string_view text) {
  auto parsed = parse_endpoint(text);
  return parsed && !is_wildcard(parsed->host);
}

std::string_view trimmed(std::string_view text) {
  auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

bool set_join(draft& d, std::string_view text) {
  std::vector<std::string> result;
  while (!trimmed(text).empty()) {
    auto comma = text.find(',');
    auto member = parse_endpoint(trimmed(text.substr(0, comma)));
    if (!member || result.size() == join_max)
      return false;
    result.push_back(to_string(*member));
    if (comma == std::string_view::npos)
      break;
    text.remove_prefix(comma + 1);
    if (trimmed(text).empty())
      return false;
  }
  d.chosen.join = std::move(result);
  return true;
}

bool set_cluster_port(draft& d, std::string_view text) {
  d.chosen.clustered = true;
  auto port = parse_number(text, {0, 65535});
  if (port)
    d.chosen.cluster_port = static_cast<std::uint16_t>(*port);
  return port.has_value();
}

bool set_secret_file(draft& d, std::string_view text) {
  d.secret_given = true;
  if (!is_path(text))
    return false;
  d.secret_file = text;
  d.chosen.cluster_secret.clear();
  return true;
}

bool set_secret(draft& d, std::string_view text) {
  d.secret_given = true;
  if (text.size() < secret_bytes_min || text.size() > secret_bytes_max)
    return false;
  d.secret_file.clear();
  d.chosen.cluster_secret = text;
  return true;
}

bool set_config_file(draft& d, std::string_view text) {
  if (!is_path(text))
    return false;
  d.config_file = text;
  return true;
}

void add_http_options(std::vector<option_spec>& table) {
  constexpr number_range timeout{100, 600'000, "ms"};
  auto add = [&table](option_spec x) { table.push_back(std::move(x)); };
  add(text_option("http-host", &options::http_host, is_host,
                  "a host name or an address, IPv6 without brackets",
                  "Where REST clients connect."));
  add(number_option("http-port", &options::http_port, {0, 65535},
                    "Port for REST clients; 0 lets the system choose."));
  add(number_option("http-threads", &options::http_threads, {1, 64, "threads"},
                    "Threads that serve HTTP, each with its own loop."));
  add(number_option("max-connections", &options::max_connections,
                    {1, 1'000'000, "connections"},
                    "REST clients connected at the same time."));
  add(number_option("max-value-bytes", &options::max_value_bytes,
                    {1, 64 * mebibyte, "bytes"}, "Size of one value."));
  add(number_option("max-key-bytes", &options::max_key_bytes,
                    {1, 1024, "bytes"}, "Size of one key."));
  add(number_option(
      "request-timeout-ms", &options::request_timeout, timeout,
      "How long a request may wait for its answer before a 503."));
  add(number_option("header-timeout-ms", &options::header_timeout, timeout,
                    "How long a client may take to send a request's header."));
  add(number_option("body-timeout-ms", &options::body_timeout, timeout,
                    "How long a client may take to send a request's body."));
  add(number_option("idle-timeout-ms", &options::idle_timeout, timeout,
                    "How long a connection may wait for its next request."));
  add(number_option("write-timeout-ms", &options::write_timeout, timeout,
                    "How long a client may take to read an answer."));
}

option_spec secret_file_option() {
  return {.name = "cluster-secret-file",
          .default_text = "none",
          .allowed = "a file with a secret of 16..4096 bytes",
          .meaning = "Peers must prove that they hold the same secret; one "
                     "newline at the end of the file is not part of it.",
          .set = set_secret_file,
          .alias = "INTERNAL_TOKEN",
          .set_alias = set_secret,
          .alias_allowed = "the secret itself, 16..4096 bytes",
          .secret = true};
}

option_spec tls_option(std::string_view name, std::string options::*member,
                       std::string_view meaning) {
  auto spec = text_option(name, member, is_path, "a PEM file", meaning);
  spec.set = [set = spec.set](draft& d, std::string_view text) {
    d.tls_given = true;
    return set(d, text);
  };
  return spec;
}

void add_cluster_options(std::vector<option_spec>& table) {
  auto add = [&table](option_spec x) { table.push_back(std::move(x)); };
  add(text_option(
      "cluster-host", &options::cluster_host, is_host,
      "a host name or an address, IPv6 without brackets",
      "Where peers connect; other than loopback it needs a secret or TLS."));
  add({.name = "cluster-port",
       .kind = option_kind::number,
       .default_text = "none",
       .allowed = to_text({0, 65535}),
       .meaning = "Port for peers, 0 lets the system choose; without one the "
                  "node stays single.",
       .set = set_cluster_port});
  add(text_option(
      "cluster-advertise", &options::cluster_advertise, is_advertised,
      endpoint_allowed,
      "What peers are told to dial, when not the cluster host and port."));
  add({.name = "join",
       .kind = option_kind::list,
       .default_text = "none",
       .allowed = std::string{endpoint_allowed} + ", comma-separated",
       .meaning = "Any members; one reachable member is enough to learn of "
                  "the others.",
       .set = set_join,
       .alias = "NODES"});
  add(text_option("cluster-name", &options::cluster_name, is_name, name_allowed,
                  "Only nodes with the same cluster name talk to each other."));
  add(secret_file_option());
  add(tls_option("cluster-tls-cert", &options::cluster_tls_cert,
                 "This node's certificate, for its node id as DNS name; with "
                 "the two files below peers talk over mutual TLS alone."));
  add(tls_option("cluster-tls-key", &options::cluster_tls_key,
                 "The certificate's private key, without a passphrase."));
  add(tls_option("cluster-tls-ca", &options::cluster_tls_ca,
                 "Who has signed the peers' certificates."));
}

void add_storage_options(std::vector<option_spec>& table) {
  auto add = [&table](option_spec x) { table.push_back(std::move(x)); };
  add(text_option("data-dir", &options::data_dir, is_path,
                  "a folder, or :memory:",
                  "The SQLite file lives here; :memory: keeps nothing."));
  add(choice_option<durability>(
      "durability", &options::durable,
      {{"memory", durability::memory},
       {"disk", durability::disk},
       {"sync", durability::sync}},
      "When a write is answered: at once, once committed "
      "(survives kill -9), or once fsynced (survives a "
      "power cut)."));
  add(number_option("shards", &options::shards, {0, 64, "shards"},
                    "Shard actors; 0 means one per core, at most 8."));
  add(number_option("max-memory-bytes", &options::max_memory_bytes,
                    {mebibyte, number_max, "bytes"},
                    "What the entries may take in memory."));
}

void add_process_options(std::vector<option_spec>& table) {
  auto add = [&table](option_spec x) { table.push_back(std::move(x)); };
  add({.name = "config-file",
       .default_text = "none",
       .allowed = "a YAML file of at most 1 MiB",
       .meaning = "Holds any of the other options by their names.",
       .set = set_config_file});
  add(choice_option<log_level>("log-level", &options::level,
                               {{"debug", log_level::debug},
                                {"info", log_level::info},
                                {"warning", log_level::warning},
                                {"error", log_level::error}},
                               "The least that is logged."));
  add(choice_option<log_format>(
      "log-format", &options::format,
      {{"text", log_format::text}, {"json", log_format::json}},
      "How log lines look; json gives one object a line."));
}

std::vector<option_spec> make_table() {
  std::vector<option_spec> table;
  table.push_back(text_option("node-id", &options::node_id, is_name,
                              name_allowed,
                              "Name of the node in answers and logs."));
  table.back().alias = "NODE_ID";
  add_http_options(table);
  add_cluster_options(table);
  add_storage_options(table);
  add_process_options(table);
  return table;
}

} // namespace

const std::vector<option_spec>& option_table() {
  static const auto table = make_table();
  return table;
}

const option_spec* find_option(std::string_view name) {
  const auto& table = option_table();
  auto found = std::find_if(table.begin(), table.end(),
                            [&](const auto& x) { return x.name == name; });
  return found == table.end() ? nullptr : &*found;
}

std::string environment_name(const option_spec& x) {
  std::string result = "PANAL_";
  for (char c : x.name)
    result += c == '-' ? '_' : static_cast<char>(c - 'a' + 'A');
  return result;
}

} // namespace panal
