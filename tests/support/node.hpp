#pragma once

// Real nodes for tests: a `panal` process with a data directory of its own,
// and a cluster of them. The program is $PANAL_BINARY, or else the one that
// was built along with the tests. Nodes listen on an address of 127.0.0.0/8
// that no other test process uses: the system chooses the ports at the first
// start, and at a restart nobody can have taken them meanwhile.

#include "tests/support/http_client.hpp"
#include "tests/support/process.hpp"

#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace panal::test {

/// How long a node may take to serve, to end, or to see its peers, before a
/// test gives up on it. Far above what is expected on a busy machine.
inline constexpr milliseconds patience{10'000 * slowness};

/// The loopback address of this test process.
std::string test_host();

/// A port that nobody listens on at `test_host()` just now.
endpoint unused_endpoint();

/// The node program under test.
std::filesystem::path panal_binary();

/// Fields of a log event that a line must have: {"peer", "node2"}.
using event_fields = std::vector<std::pair<std::string, std::string>>;

/// One line of a node's JSON log.
struct log_event {
  std::string event;
  event_fields fields;
  /// The field's text; empty when there is none of that name.
  std::string field(std::string_view name) const;
  bool matches(std::string_view wanted, const event_fields& with) const;
  /// The event that a line holds; nothing for any other text.
  static std::optional<log_event> parse(std::string_view line);
};

struct node_setup {
  std::string id = "node1";
  bool clustered = false;
  /// "host:port" of members.
  std::vector<std::string> join;
  /// Empty: none.
  std::string secret;
  /// Further flags: "--durability=sync".
  std::vector<std::string> more;
  /// For REST clients. Empty: test_host().
  std::string host;
  /// For peers. Empty: the same.
  std::string cluster_host;
  /// Empty: one of its own. ":memory:" is passed on as it is.
  std::string data_dir;
  /// An open network namespace to run in; -1: the test's own.
  int net_namespace = -1;
  /// How many files it may have open; 0: as many as the test.
  std::size_t open_files_max = 0;
  /// Empty: panal_binary().
  std::filesystem::path program;
  /// Added to its environment.
  std::map<std::string, std::string> environment;
};

/// The setup of a cluster's member.
node_setup member_named(std::string id, std::vector<std::string> join = {},
                        std::string secret = {});

/// One node, running or not. All calls are made on the main thread, but for
/// the const ones.
class node {
public:
  explicit node(node_setup setup);

  /// Starts the process and waits until it serves. Throws std::runtime_error,
  /// with the end of its log, if it does not.
  void start();
  /// Starts the process without waiting.
  void launch_only();
  /// Waits until it serves and learns its addresses.
  void wait_serving();

  void kill9();
  /// SIGSTOP, and waits until it has stopped.
  void stop();
  void cont();
  /// SIGTERM, and waits for the end. @return nothing if it does not end.
  std::optional<exit_status> terminate(milliseconds limit = patience);
  /// SIGTERM and start with the same data directory and ports.
  void restart();
  /// From now on it is started with these --join flags.
  void set_join(std::vector<std::string> join) { setup_.join = join; }

  const std::string& id() const { return setup_.id; }
  endpoint http() const { return http_; }
  endpoint cluster() const { return cluster_; }
  std::string data_dir() const { return data_dir_; }
  process& program() { return *process_; }
  const process& program() const { return *process_; }
  bool running() const { return process_ != nullptr; }
  /// A client with a connection of its own.
  http_client client(milliseconds timeout = patience) const {
    return http_client{http_, timeout};
  }

  /// Waits for an event with these fields in the log of the current process,
  /// at or after line `from`. @return its line's index.
  std::optional<std::size_t> wait_event(std::string_view event,
                                        const event_fields& with,
                                        milliseconds limit,
                                        std::size_t from = 0) const;
  std::size_t count_events(std::string_view event,
                           const event_fields& with = {}) const;
  /// The peers that its log says are up now.
  std::set<std::string> peers_up() const;

private:
  std::vector<std::string> arguments() const;

  node_setup setup_;
  temp_dir own_;
  std::string data_dir_;
  endpoint http_;
  endpoint cluster_;
  std::unique_ptr<process> process_;
};

/// Whom a member of a cluster is told to join.
enum class topology {
  /// The first.
  star,
  /// The one before it.
  chain,
  /// Everyone before it.
  all,
};

struct cluster_setup {
  std::size_t nodes = 3;
  topology joins = topology::star;
  std::string secret;
  std::vector<std::string> more;
};

/// Nodes node1, node2, ... that join one another, started in that order and
/// connected when the constructor returns.
class cluster {
public:
  explicit cluster(cluster_setup setup = {});

  node& operator[](std::size_t i) { return nodes_[i]; }
  const node& operator[](std::size_t i) const { return nodes_[i]; }
  std::size_t size() const { return nodes_.size(); }
  std::vector<endpoint> http_endpoints() const;
  /// Starts another member, which joins as the setup says.
  node& grow();
  /// Waits until every running node's log says that all others are up.
  bool connected(milliseconds limit = patience) const;
  /// Who sees whom, and the ends of the logs: for a failed assertion.
  std::string describe() const;

private:
  cluster_setup setup_;
  std::deque<node> nodes_;
};

/// Whether nodes came to hold the same.
struct agreement {
  bool reached = false;
  /// The last difference seen, for the message of a failed assertion.
  std::string difference;
  /// Until they first did.
  milliseconds took{0};
};

/// Asks all of `nodes` for all `keys` until each key gets the same answer
/// (status, value, version, expiry) everywhere, or `limit` is over.
agreement all_equal(const std::vector<endpoint>& nodes,
                    const std::vector<std::string>& keys, milliseconds limit);

} // namespace panal::test
