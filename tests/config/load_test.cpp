#include "config/load.hpp"
#include "config/option_table.hpp"
#include "tests/config/fixture.hpp"

#include <functional>
#include <map>

using namespace panal;
using namespace panal::test;
using namespace std::chrono_literals;

namespace {

using expectation = std::function<bool(const options&)>;

/// A text other than the default for each option, and what it leads to. Some
/// need a further flag to be allowed, which changes nothing they look at.
struct example {
  std::string text;
  expectation holds;
  std::vector<std::string> further = {};
};

std::map<std::string, example> number_examples() {
  return {
      {"http-port", {"8001", [](auto& x) { return x.http_port == 8001; }}},
      {"http-threads", {"64", [](auto& x) { return x.http_threads == 64; }}},
      {"max-connections",
       {"7", [](auto& x) { return x.max_connections == 7; }}},
      {"max-value-bytes",
       {"9", [](auto& x) { return x.max_value_bytes == 9; }}},
      {"max-key-bytes", {"10", [](auto& x) { return x.max_key_bytes == 10; }}},
      {"request-timeout-ms",
       {"101", [](auto& x) { return x.request_timeout == 101ms; }}},
      {"header-timeout-ms",
       {"102", [](auto& x) { return x.header_timeout == 102ms; }}},
      {"body-timeout-ms",
       {"103", [](auto& x) { return x.body_timeout == 103ms; }}},
      {"idle-timeout-ms",
       {"104", [](auto& x) { return x.idle_timeout == 104ms; }}},
      {"write-timeout-ms",
       {"105", [](auto& x) { return x.write_timeout == 105ms; }}},
      {"cluster-port",
       {"0", [](auto& x) { return x.clustered && x.cluster_port == 0; }}},
      {"shards", {"3", [](auto& x) { return x.shards == 3; }}},
      {"max-memory-bytes",
       {"1048576", [](auto& x) { return x.max_memory_bytes == 1048576; }}},
  };
}

std::map<std::string, example> text_examples() {
  return {
      {"node-id", {"a.B_9-", [](auto& x) { return x.node_id == "a.B_9-"; }}},
      {"http-host",
       {"0.0.0.0", [](auto& x) { return x.http_host == "0.0.0.0"; }}},
      {"cluster-host",
       {"::1", [](auto& x) { return x.cluster_host == "::1"; }}},
      {"cluster-advertise",
       {"[fe80::1]:7001",
        [](auto& x) { return x.cluster_advertise == "[fe80::1]:7001"; }}},
      {"cluster-name",
       {"hive", [](auto& x) { return x.cluster_name == "hive"; }}},
      {"join",
       {"a:1, [::1]:2",
        [](auto& x) {
          return x.join == std::vector<std::string>{"a:1", "[::1]:2"};
        },
        {"--cluster-port=0"}}},
      {"data-dir",
       {":memory:", [](auto& x) { return x.data_dir == ":memory:"; }}},
      {"durability",
       {"sync", [](auto& x) { return x.durable == durability::sync; }}},
      {"log-level",
       {"debug", [](auto& x) { return x.level == log_level::debug; }}},
      {"log-format",
       {"json", [](auto& x) { return x.format == log_format::json; }}},
  };
}

/// The options that take a file are left out: they have tests of their own.
std::map<std::string, example> examples() {
  auto result = number_examples();
  result.merge(text_examples());
  return result;
}

} // namespace

TEST_CASE("without any source every option has its default") {
  auto x = expect_run(load_from({}));
  CHECK(x.node_id == "node1");
  CHECK(x.http_host == "127.0.0.1");
  CHECK(x.http_port == 8080);
  CHECK(!x.clustered);
  CHECK(x.join.empty());
  CHECK(x.cluster_secret.empty());
  CHECK(x.durable == durability::disk);
  CHECK(x.level == log_level::info);
  CHECK(load(0, nullptr, nullptr).what == action::run);
}

TEST_CASE("the examples below cover every option of the table") {
  auto all = examples();
  auto takes_file = [](const auto& spec) {
    return spec.name == "config-file" || spec.secret
           || spec.name.starts_with("cluster-tls-");
  };
  for (const auto& spec : option_table())
    CHECK_MESSAGE((all.count(std::string{spec.name}) == 1 || takes_file(spec)),
                  spec.name);
}

TEST_CASE("every option can be given by a flag, with = or a blank") {
  for (const auto& [name, x] : examples()) {
    INFO(name);
    auto flags = x.further;
    flags.push_back("--" + name + "=" + x.text);
    CHECK(x.holds(expect_run(load_from(flags))));
    flags.pop_back();
    flags.push_back("--" + name);
    flags.push_back(x.text);
    CHECK(x.holds(expect_run(load_from(flags))));
    CHECK(!x.holds(options{}));
  }
}

TEST_CASE("every option can be given by its PANAL_ variable") {
  for (const auto& [name, x] : examples()) {
    INFO(name);
    auto variable = environment_name(*find_option(name)) + "=" + x.text;
    CHECK(x.holds(expect_run(load_from(x.further, {variable}))));
  }
}

TEST_CASE("every option can be given by its name in the file") {
  for (const auto& [name, x] : examples()) {
    INFO(name);
    temp_dir dir;
    bool bare = find_option(name)->kind == option_kind::number;
    auto value = bare ? x.text : "'" + x.text + "'";
    auto flags = x.further;
    flags.push_back("--config-file="
                    + dir.write("a.yaml", name + ": " + value));
    CHECK(x.holds(expect_run(load_from(flags))));
  }
}

TEST_CASE("flags win over environment over file over defaults") {
  temp_dir dir;
  auto file = dir.write("a.yaml", "http-port: 1\nhttp-threads: 2\nshards: 3\n");
  auto x =
      expect_run(load_from({"--http-port=10", "--config-file=" + file},
                           {"PANAL_HTTP_PORT=20", "PANAL_HTTP_THREADS=30"}));
  CHECK(x.http_port == 10);
  CHECK(x.http_threads == 30);
  CHECK(x.shards == 3);
  CHECK(x.max_key_bytes == 1024);
}

TEST_CASE("the file may be named by the environment, and a flag wins") {
  temp_dir dir;
  auto one = dir.write("one.yaml", "shards: 1");
  auto two = dir.write("two.yaml", "shards: 2");
  auto variable = "PANAL_CONFIG_FILE=" + one;
  CHECK(expect_run(load_from({}, {variable})).shards == 1);
  CHECK(expect_run(load_from({"--config-file", two}, {variable})).shards == 2);
}

TEST_CASE("NODE_ID and NODES are other names, weaker than PANAL_ ones") {
  auto x = expect_run(
      load_from({"--cluster-port=0"}, {"NODE_ID=n2", "NODES=a:1,b:2"}));
  CHECK(x.node_id == "n2");
  CHECK(x.join == std::vector<std::string>{"a:1", "b:2"});
  auto y = expect_run(load_from({}, {"PANAL_NODE_ID=n3", "NODE_ID=n2"}));
  CHECK(y.node_id == "n3");
}

TEST_CASE("an empty variable counts as not set") {
  auto x =
      expect_run(load_from({}, {"PANAL_HTTP_PORT=", "NODES=", "NODE_ID="}));
  CHECK(x.http_port == 8080);
  CHECK(x.node_id == "node1");
}

TEST_CASE("of a variable given twice the first counts") {
  auto x = expect_run(load_from({}, {"NODE_ID=a", "NODE_ID=b"}));
  CHECK(x.node_id == "a");
}

TEST_CASE("repeated --join flags and a file's sequence make one list") {
  auto x = expect_run(
      load_from({"--join=a:1,b:2", "--cluster-port=0", "--join", "c:3"}));
  CHECK(x.join == std::vector<std::string>{"a:1", "b:2", "c:3"});
  auto y =
      expect_run(load_yaml("cluster-port: 7\njoin:\n- a:1\n- '[::1]:2'\n"));
  CHECK(y.join == std::vector<std::string>{"a:1", "[::1]:2"});
}

TEST_CASE("an empty --join takes back what the environment gave") {
  auto x = expect_run(load_from({"--join=", "--http-port=1"}, {"NODES=a:1"}));
  CHECK(x.join.empty());
  CHECK(x.http_port == 1);
}

TEST_CASE("the ends of a range belong to it") {
  for (const auto& [name, low, high] :
       {std::tuple{"http-port", "0", "65535"},
        {"http-threads", "1", "64"},
        {"max-connections", "1", "1000000"},
        {"max-value-bytes", "1", "67108864"},
        {"max-key-bytes", "1", "1024"},
        {"request-timeout-ms", "100", "600000"},
        {"cluster-port", "0", "65535"},
        {"shards", "0", "64"},
        {"max-memory-bytes", "1048576", "9223372036854775807"}}) {
    expect_run(load_from({"--" + std::string{name}, low}));
    expect_run(load_from({"--" + std::string{name}, high}));
  }
}

TEST_CASE("help and version win over mistakes") {
  CHECK(load_from({"--help"}).what == action::print_help);
  CHECK(load_from({"--nonsense", "--help"}).what == action::print_help);
  CHECK(load_from({"--version"}, {"PANAL_X=1"}).what == action::print_version);
}

TEST_CASE("a health check has the options of the node it asks") {
  auto x = load_from({"--health-check"}, {"PANAL_HTTP_PORT=8001"});
  CHECK(x.what == action::check_health);
  CHECK(x.chosen.http_port == 8001);
  check_one_mistake(load_from({"--health-check", "--http-port=0"}),
                    {"--health-check", "http-port"});
}

TEST_CASE("forget-node has the options of the node it asks") {
  temp_dir dir;
  auto secret = dir.write("secret", "0123456789abcdef\n");
  auto x = load_from({"forget-node", "node-2.a_B", "--http-port", "8001",
                      "--cluster-secret-file=" + secret},
                     {"PANAL_HTTP_HOST=127.0.0.2"});
  CHECK(x.mistakes.empty());
  CHECK(x.what == action::forget_node);
  CHECK(x.member == "node-2.a_B");
  CHECK(x.chosen.http_port == 8001);
  CHECK(x.chosen.http_host == "127.0.0.2");
  CHECK(x.chosen.cluster_secret == "0123456789abcdef");
  CHECK(x.chosen.node_id == "node1");
  CHECK(load_from({"forget-node", "node2"}).what == action::forget_node);
  CHECK(load_from({"forget-node", "--help"}).what == action::print_help);
  CHECK(load_from({"forget-node", "forget-node"}).member == "forget-node");
}

TEST_CASE("forget-node comes first, and with the name of a node") {
  check_one_mistake(load_from({"forget-node"}), {"forget-node", "allowed: 1"});
  check_one_mistake(load_from({"forget-node", "--http-port=1"}),
                    {"forget-node", "allowed: 1"});
  for (const auto* name : {"", "a b", "a/b", "a?b", "\xc3\xa9", "a\r\nb"})
    check_one_mistake(load_from({"forget-node", name}), {"forget-node"});
  check_one_mistake(load_from({"forget-node", std::string(65, 'n')}),
                    {"forget-node"});
  check_one_mistake(load_from({"forget-node", "node2", "--http-port=0"}),
                    {"forget-node", "http-port"});
  check_one_mistake(load_from({"forget-node", "node2", "node3"}),
                    {"\"node3\"", "no flag"});
  check_one_mistake(load_from({"forget-node", "node2", "--health-check"}),
                    {"--health-check", "forget-node"});
  check_one_mistake(load_from({"--http-port=1", "forget-node"}),
                    {"\"forget-node\"", "no flag"});
  check_one_mistake(load_from({"forget-node", "node2", "--http-port"}),
                    {"--http-port", "needs a value"});
}

TEST_CASE("the help and the table for the README name every option") {
  auto help = help_text();
  auto table = markdown_table();
  for (const auto& x : option_table()) {
    INFO(x.name);
    for (const auto& part :
         {"--" + std::string{x.name}, environment_name(x), x.default_text,
          x.allowed, std::string{x.meaning}, std::string{x.alias}}) {
      CHECK(has(help, part));
      CHECK(has(table, part));
    }
    CHECK(!x.default_text.empty());
    CHECK(!x.allowed.empty());
  }
  for (const auto* name :
       {"--help", "--version", "--health-check", "forget-node"})
    CHECK(has(help, name));
  CHECK(version_text() == "panal " PANAL_VERSION "\n");
}

TEST_CASE("each default is within its own range") {
  for (const auto& x : option_table()) {
    draft d;
    CHECK_MESSAGE((x.default_text == "none" || x.set(d, x.default_text)),
                  x.name);
  }
}
