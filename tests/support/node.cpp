#include "tests/support/node.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <rapidjson/document.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace panal::test {

namespace {

std::string text_of(const rapidjson::Value& value) {
  if (value.IsString())
    return {value.GetString(), value.GetStringLength()};
  if (value.IsInt64())
    return std::to_string(value.GetInt64());
  if (value.IsBool())
    return value.GetBool() ? "true" : "false";
  return {};
}

std::string joined(const std::vector<std::string>& parts) {
  std::string result;
  for (const auto& part : parts)
    result += (result.empty() ? "" : ",") + part;
  return result;
}

/// True where two nodes gave a client the same answer.
bool same_answer(const reply& a, const reply& b) {
  return a.status != 0 && a.status == b.status && a.value == b.value
         && a.version == b.version && a.expires_at == b.expires_at;
}

/// Asks all nodes for all keys at once, and takes those out of `keys` that
/// they agree on. @return what they say of one of the others.
std::string drop_equal(const std::vector<endpoint>& nodes,
                       std::vector<std::string>& keys) {
  std::vector<std::vector<reply>> replies(nodes.size());
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 0; n < nodes.size(); ++n)
      threads.emplace_back([&, n] { replies[n] = get_many(nodes[n], keys); });
  }
  std::string difference;
  std::vector<std::string> open;
  for (std::size_t k = 0; k < keys.size(); ++k)
    for (std::size_t n = 1; n < nodes.size(); ++n)
      if (!same_answer(replies[0][k], replies[n][k])) {
        difference = text(keys[k], " is ", describe(replies[0][k]), " at ",
                          nodes[0].str(), " and ", describe(replies[n][k]),
                          " at ", nodes[n].str());
        open.push_back(keys[k]);
        break;
      }
  keys = std::move(open);
  return difference;
}

} // namespace

std::string test_host() {
  // 127.64.0.0 and up, one address for each process id.
  auto pid = static_cast<unsigned>(::getpid());
  return "127." + std::to_string(64 + (pid >> 16) % 128) + "."
         + std::to_string((pid >> 8) & 255) + "." + std::to_string(pid & 255);
}

endpoint unused_endpoint() {
  unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  auto host = test_host();
  ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), generic, size) != 0
      || ::getsockname(fd.get(), generic, &size) != 0)
    throw std::runtime_error{"no free port"};
  return {host, ::ntohs(address.sin_port)};
}

std::filesystem::path panal_binary() {
  const char* chosen = std::getenv("PANAL_BINARY");
  return std::filesystem::absolute(chosen != nullptr ? chosen
                                                     : PANAL_BUILT_BINARY);
}

std::string log_event::field(std::string_view name) const {
  for (const auto& [known, value] : fields)
    if (known == name)
      return value;
  return {};
}

bool log_event::matches(std::string_view wanted,
                        const event_fields& with) const {
  return event == wanted
         && std::all_of(with.begin(), with.end(), [this](const auto& f) {
              return field(f.first) == f.second;
            });
}

std::optional<log_event> log_event::parse(std::string_view line) {
  rapidjson::Document document;
  document.Parse(line.data(), line.size());
  if (!document.IsObject())
    return std::nullopt;
  log_event result;
  for (const auto& entry : document.GetObject())
    result.fields.emplace_back(entry.name.GetString(), text_of(entry.value));
  result.event = result.field("event");
  return result;
}

node_setup member_named(std::string id, std::vector<std::string> join,
                        std::string secret) {
  node_setup result;
  result.id = std::move(id);
  result.clustered = true;
  result.join = std::move(join);
  result.secret = std::move(secret);
  return result;
}

node::node(node_setup setup) : setup_{std::move(setup)} {
  if (setup_.host.empty())
    setup_.host = test_host();
  data_dir_ = setup_.data_dir.empty() ? (own_.path() / "data").string()
                                      : setup_.data_dir;
  http_.host = setup_.host;
  cluster_.host =
      setup_.cluster_host.empty() ? setup_.host : setup_.cluster_host;
  if (!setup_.secret.empty())
    std::ofstream{own_.path() / "secret"} << setup_.secret;
}

std::vector<std::string> node::arguments() const {
  std::vector<std::string> result{
      "--node-id=" + setup_.id,
      "--http-host=" + http_.host,
      "--http-port=" + std::to_string(http_.port),
      "--data-dir=" + data_dir_,
      "--log-format=json",
  };
  if (setup_.clustered) {
    result.push_back("--cluster-host=" + cluster_.host);
    result.push_back("--cluster-port=" + std::to_string(cluster_.port));
  }
  if (!setup_.join.empty())
    result.push_back("--join=" + joined(setup_.join));
  if (!setup_.secret.empty())
    result.push_back("--cluster-secret-file="
                     + (own_.path() / "secret").string());
  result.insert(result.end(), setup_.more.begin(), setup_.more.end());
  return result;
}

void node::launch_only() {
  launch what;
  what.program = setup_.program.empty() ? panal_binary() : setup_.program;
  what.arguments = arguments();
  what.environment = setup_.environment;
  what.net_namespace = setup_.net_namespace;
  what.open_files_max = setup_.open_files_max;
  what.log_copy = own_.path() / "log";
  process_.reset();
  process_ = std::make_unique<process>(what);
}

void node::wait_serving() {
  auto at = wait_event("serving", {}, patience);
  if (!at)
    throw std::runtime_error{setup_.id + " does not serve:\n"
                             + process_->tail()};
  auto line = log_event::parse(process_->lines()[*at]);
  http_ = endpoint::parse(line->field("http"));
  if (setup_.clustered)
    cluster_ = endpoint::parse(line->field("cluster"));
}

void node::start() {
  launch_only();
  wait_serving();
}

void node::kill9() {
  process_->signal(SIGKILL);
  process_.reset();
}

void node::stop() {
  process_->signal(SIGSTOP);
  if (!eventually(patience, [this] { return process_->state() == 'T'; }))
    throw std::runtime_error{setup_.id + " does not stop"};
}

void node::cont() {
  process_->signal(SIGCONT);
}

std::optional<exit_status> node::terminate(milliseconds limit) {
  process_->signal(SIGTERM);
  auto result = process_->wait_exit(limit);
  if (result)
    process_.reset();
  return result;
}

void node::restart() {
  auto ended = terminate();
  if (!ended || ended->code != 0)
    throw std::runtime_error{setup_.id + " does not end with 0 on SIGTERM"};
  start();
}

std::optional<std::size_t> node::wait_event(std::string_view event,
                                            const event_fields& with,
                                            milliseconds limit,
                                            std::size_t from) const {
  return process_->wait_for_line(
      [&](std::string_view line) {
        auto parsed = log_event::parse(line);
        return parsed && parsed->matches(event, with);
      },
      limit, from);
}

std::size_t node::count_events(std::string_view event,
                               const event_fields& with) const {
  auto lines = process_->lines();
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
        auto parsed = log_event::parse(line);
        return parsed && parsed->matches(event, with);
      }));
}

std::set<std::string> node::peers_up() const {
  std::set<std::string> result;
  for (const auto& line : process_->lines()) {
    auto parsed = log_event::parse(line);
    if (!parsed)
      continue;
    if (parsed->event == "peer_up")
      result.insert(parsed->field("peer"));
    else if (parsed->event == "peer_down")
      result.erase(parsed->field("peer"));
  }
  return result;
}

cluster::cluster(cluster_setup setup) : setup_{std::move(setup)} {
  for (std::size_t i = 0; i < setup_.nodes; ++i)
    grow();
  if (!connected())
    throw std::runtime_error{"no cluster:\n" + describe()};
}

node& cluster::grow() {
  node_setup one;
  one.id = "node" + std::to_string(nodes_.size() + 1);
  one.clustered = true;
  one.secret = setup_.secret;
  one.more = setup_.more;
  if (!nodes_.empty()) {
    if (setup_.joins == topology::star)
      one.join = {nodes_.front().cluster().str()};
    else if (setup_.joins == topology::chain)
      one.join = {nodes_.back().cluster().str()};
    else
      for (const auto& other : nodes_)
        one.join.push_back(other.cluster().str());
  }
  nodes_.emplace_back(std::move(one)).start();
  return nodes_.back();
}

std::vector<endpoint> cluster::http_endpoints() const {
  std::vector<endpoint> result;
  for (const auto& one : nodes_)
    result.push_back(one.http());
  return result;
}

bool cluster::connected(milliseconds limit) const {
  std::set<std::string> running;
  for (const auto& one : nodes_)
    if (one.running())
      running.insert(one.id());
  return eventually(limit, [&] {
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const node& one) {
      auto wanted = running;
      wanted.erase(one.id());
      return !one.running() || one.peers_up() == wanted;
    });
  });
}

std::string cluster::describe() const {
  std::string result;
  for (const auto& one : nodes_) {
    result += one.id() + (one.running() ? " sees" : " is down");
    if (!one.running())
      continue;
    for (const auto& peer : one.peers_up())
      result += " " + peer;
    result += ", its log ends:\n" + one.program().tail();
  }
  return result;
}

agreement all_equal(const std::vector<endpoint>& nodes,
                    const std::vector<std::string>& keys, milliseconds limit) {
  agreement result;
  auto began = steady::now();
  auto open = keys;
  result.reached = eventually(limit * slowness, [&] {
    result.difference = drop_equal(nodes, open);
    return open.empty();
  });
  result.took = std::chrono::duration_cast<milliseconds>(steady::now() - began);
  if (!result.reached)
    return result;
  // What was equal once could differ again: only one more pass settles it. A
  // key may differ for the moment in which it expires, but not twice.
  open = keys;
  drop_equal(nodes, open);
  result.difference = drop_equal(nodes, open);
  result.reached = open.empty();
  return result;
}

} // namespace panal::test
