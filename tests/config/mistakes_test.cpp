#include "tests/config/fixture.hpp"

using namespace panal;
using namespace panal::test;

TEST_CASE("all mistakes of all sources come back at once") {
  temp_dir dir;
  auto file = dir.write("a.yaml", "shards: 99\nnonsense: 1\n");
  auto x = load_from({"--http-port=99999", "--frobnicate", "--join=a:1",
                      "--config-file=" + file, "stray", "--durability"},
                     {"PANAL_HTTP_THREADS=many", "PANAL_HTPP_PORT=1"});
  CHECK(x.what == action::refuse);
  std::string all;
  for (const auto& text : x.mistakes)
    all += text + "\n";
  for (const auto* part :
       {"line 1, shards: \"99\"", "line 2, \"nonsense\"",
        "environment PANAL_HTTP_THREADS: \"many\"",
        "environment \"PANAL_HTPP_PORT\"", "flag --http-port: \"99999\"",
        "flag \"--frobnicate\"", "\"--durability\": needs a value",
        "without a cluster port"})
    CHECK_MESSAGE(has(all, part), part, " in ", all);
  CHECK(x.mistakes.size() == 8);
}

TEST_CASE("a mistake names source, option, value and what is allowed") {
  check_one_mistake(
      load_from({"--http-port=abc"}),
      {"flag --http-port: \"abc\" is not allowed; allowed: 0..65535"});
  check_one_mistake(load_from({}, {"NODE_ID=a b"}),
                    {"environment NODE_ID", "\"a b\"", "1..64 characters"});
  check_one_mistake(load_yaml("log-level: loud"),
                    {"panal.yaml\" line 1, log-level", "\"loud\"",
                     "debug, info, warning, error"});
}

TEST_CASE("values in mistakes are escaped and cut") {
  check_one_mistake(load_from({"--node-id=\x1b[2J\n"}), {R"("\x1b[2J\n")"});
  check_one_mistake(load_from({"--\x1b]0;x"}), {R"(\x1b]0;x)"});
  check_one_mistake(load_from({}, {"PANAL_\x1b=1"}), {R"(PANAL_\x1b)"});
  auto x = load_from({"--node-id=" + std::string(100'000, 'x')});
  CHECK(x.mistakes.at(0).size() < 300);
}

TEST_CASE("a value that is out of range or not a number is a mistake") {
  for (const auto* flag : {"--http-port=65536",
                           "--http-port=-1",
                           "--http-port=+1",
                           "--http-port= 1",
                           "--http-port=1.5",
                           "--http-port=0x10",
                           "--http-port=1e3",
                           "--http-port=",
                           "--http-threads=0",
                           "--http-threads=65",
                           "--max-connections=0",
                           "--max-connections=1000001",
                           "--max-value-bytes=0",
                           "--max-value-bytes=67108865",
                           "--max-key-bytes=0",
                           "--max-key-bytes=1025",
                           "--request-timeout-ms=99",
                           "--header-timeout-ms=600001",
                           "--body-timeout-ms=5s",
                           "--idle-timeout-ms=0",
                           "--write-timeout-ms=99999999999999999999999",
                           "--cluster-port=65536",
                           "--shards=65",
                           "--max-memory-bytes=1048575",
                           "--max-memory-bytes=9223372036854775808"}) {
    INFO(flag);
    check_one_mistake(load_from({flag}), {"is not allowed; allowed: "});
  }
}

TEST_CASE("a text that an option does not know is a mistake") {
  for (const auto& flag : std::vector<std::string>{
           "--node-id=", "--node-id=a/b", "--node-id=" + std::string(65, 'a'),
           "--http-host=", "--http-host=a b", "--http-host=[::1]",
           "--cluster-host=127.1", "--data-dir=", "--data-dir=a\nb",
           "--durability=Disk", "--durability=", "--log-level=warn",
           "--log-format=xml", "--cluster-advertise=a",
           "--cluster-advertise=0.0.0.0:1", "--cluster-advertise=a:0"}) {
    INFO(flag);
    check_one_mistake(load_from({flag}), {"is not allowed; allowed: "});
  }
}

TEST_CASE("members to join are host:port") {
  for (const auto* value : {"a", "a:0", "a:65536", "a:1,", ",a:1", "a:1,,b:2",
                            ",", "::1:7001", "http://a:1", "a:1;b:2"}) {
    INFO(value);
    check_one_mistake(
        load_from({"--cluster-port=0", std::string{"--join="} + value}),
        {"flag --join", "host:port"});
  }
}

TEST_CASE("a flag without its value is a mistake") {
  check_one_mistake(load_from({"--http-port"}), {"needs a value"});
  check_one_mistake(load_from({"--data-dir", "--shards=1"}),
                    {"flag --data-dir", "needs a value"});
}

TEST_CASE("a flag given twice is a mistake") {
  check_one_mistake(load_from({"--http-port=1", "--http-port=2"}),
                    {"flag --http-port", "more than once"});
}

TEST_CASE("a switch takes no value") {
  check_one_mistake(load_from({"--health-check=maybe"}), {"takes no value"});
}

TEST_CASE("what is no flag of ours is a mistake") {
  check_one_mistake(load_from({"--http_port=1"}), {"\"--http_port\""});
  check_one_mistake(load_from({"--http-por=1"}), {"\"--http-por\""});
  check_one_mistake(load_from({"-p"}), {"\"-p\""});
  check_one_mistake(load_from({"serve"}), {"argument \"serve\""});
  check_one_mistake(load_from({""}), {"argument \"\""});
  check_one_mistake(load_from({"--shards=1", "--", "x"}), {"argument \"x\""});
}

TEST_CASE("an unknown PANAL_ variable is a mistake, any other is not ours") {
  check_one_mistake(load_from({}, {"PANAL_HTTP_PROT=1"}), {"PANAL_HTTP_PROT"});
  expect_run(load_from({}, {"PATH=/bin", "panal_x=1", "PANALX=1", "BROKEN"}));
}

TEST_CASE("variables that Kubernetes sets for a service are no mistakes") {
  expect_run(load_from(
      {}, {"PANAL_SERVICE_HOST=10.0.0.1", "PANAL_SERVICE_PORT=80",
           "PANAL_SERVICE_PORT_HTTP=80", "PANAL_PORT=tcp://10.0.0.1:80",
           "PANAL_PORT_80_TCP=tcp://10.0.0.1:80", "PANAL_PORT_80_TCP_PROTO=tcp",
           "PANAL_PORT_80_TCP_PORT=80", "PANAL_PORT_80_TCP_ADDR=10.0.0.1"}));
}

TEST_CASE("joining needs a cluster port") {
  check_one_mistake(load_from({"--join=a:1"}), {"join", "--cluster-port"});
  check_one_mistake(load_from({}, {"NODES=a:1"}), {"join", "--cluster-port"});
}

TEST_CASE("a cluster host that others reach needs a secret") {
  for (const auto* host : {"10.0.0.1", "node1.example.org", "fe80::1"}) {
    INFO(host);
    auto flag = std::string{"--cluster-host="} + host;
    check_one_mistake(load_from({flag}), {host, "needs a secret"});
    expect_run(load_from({flag}, {"INTERNAL_TOKEN=0123456789abcdef"}));
  }
  for (const auto* host : {"localhost", "127.0.0.2", "::1"})
    expect_run(load_from({std::string{"--cluster-host="} + host}));
}

TEST_CASE("a wildcard cluster host needs an address to advertise") {
  for (const auto* host : {"0.0.0.0", "::", "0:0::0"}) {
    INFO(host);
    std::vector<std::string> secret{"INTERNAL_TOKEN=0123456789abcdef"};
    auto flag = std::string{"--cluster-host="} + host;
    check_one_mistake(load_from({flag}, secret), {host, "--cluster-advertise"});
    expect_run(load_from({flag, "--cluster-advertise=node1:7001"}, secret));
    CHECK(load_from({flag}).mistakes.size() == 2);
  }
}
