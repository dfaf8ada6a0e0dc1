// How a node starts and ends: what it refuses to start with, where its options
// come from, and that SIGTERM loses nothing.

#include "tests/nodes/load.hpp"
#include "tests/support/node.hpp"

#include <doctest/doctest.h>

#include <csignal>
#include <fstream>

using namespace panal::test;
using std::chrono::seconds;

namespace {

/// A start that came to an end by itself.
struct attempt {
  int code = -1;
  std::string output;

  bool names(const std::string& word) const {
    return output.find(word) != std::string::npos;
  }
};

attempt start_panal(std::vector<std::string> arguments,
                    std::map<std::string, std::string> environment = {}) {
  temp_dir own;
  launch what;
  what.program = panal_binary();
  what.arguments = std::move(arguments);
  what.arguments.push_back("--data-dir=" + (own.path() / "data").string());
  what.environment = std::move(environment);
  process child{what};
  auto ended = child.wait_exit(patience);
  attempt result;
  result.code = ended ? ended->code : -1;
  child.wait_for_line([](auto) { return false; }, seconds{1});
  result.output = child.tail(1'000);
  return result;
}

/// What a node that started with these says of itself.
struct started {
  temp_dir own;
  std::unique_ptr<process> child;
  std::string id;

  started(std::vector<std::string> arguments,
          std::map<std::string, std::string> environment) {
    launch what;
    what.program = panal_binary();
    what.arguments = std::move(arguments);
    what.arguments.push_back("--http-host=" + test_host());
    what.arguments.push_back("--http-port=0");
    what.arguments.push_back("--log-format=json");
    what.arguments.push_back("--data-dir=" + (own.path() / "data").string());
    what.environment = std::move(environment);
    child = std::make_unique<process>(what);
    auto at = child->wait_for_line(
        [](auto line) {
          auto parsed = log_event::parse(line);
          return parsed && parsed->event == "serving";
        },
        patience);
    CAPTURE(child->tail());
    REQUIRE(at);
    auto serving = log_event::parse(child->lines()[*at]);
    http_client client{endpoint::parse(serving->field("http"))};
    id = client.request("GET", "/_health").body;
  }
};

std::string id_body(const std::string& id) {
  return "{\"node\":\"" + id + "\",\"status\":\"ok\"}";
}

} // namespace

TEST_CASE("every mistake in the flags is named at once, and the status is 2") {
  auto result = start_panal({"--http-port=70000", "--durability=maybe",
                             "--no-such-option=1", "--node-id=a b",
                             "--join=nowhere", "--request-timeout-ms=soon"});
  CAPTURE(result.output);
  CHECK(result.code == 2);
  for (const char* word : {"http-port", "durability", "no-such-option",
                           "node-id", "join", "request-timeout-ms"}) {
    CAPTURE(word);
    CHECK(result.names(word));
  }
}

TEST_CASE("a mistake in the environment is named, and the status is 2") {
  auto result = start_panal(
      {}, {{"PANAL_HTTP_PORT", "abc"}, {"PANAL_LOG_LEVEL", "loud"}});
  CAPTURE(result.output);
  CHECK(result.code == 2);
  CHECK(result.names("PANAL_HTTP_PORT"));
  CHECK(result.names("PANAL_LOG_LEVEL"));
}

TEST_CASE("mistakes in file, environment and flags are named together") {
  temp_dir own;
  auto file = own.path() / "panal.yaml";
  std::ofstream{file} << "colour: red\nhttp-port: many\n";
  auto result = start_panal({"--config-file=" + file.string(), "--shards=-1"},
                            {{"PANAL_DURABILITY", "hardly"}});
  CAPTURE(result.output);
  CHECK(result.code == 2);
  for (const char* word : {"colour", "http-port", "shards", "DURABILITY"}) {
    CAPTURE(word);
    CHECK(result.names(word));
  }
}

TEST_CASE("a config file that is not there stops the start") {
  CHECK(start_panal({"--config-file=/no/such/file.yaml"}).code == 2);
}

TEST_CASE("flags go over environment, environment over file") {
  temp_dir own;
  auto file = own.path() / "panal.yaml";
  std::ofstream{file} << "node-id: from-file\n";
  auto config = "--config-file=" + file.string();
  CHECK(started{{}, {}}.id == id_body("node1"));
  CHECK(started{{config}, {}}.id == id_body("from-file"));
  CHECK(started{{config}, {{"NODE_ID", "from-environment"}}}.id
        == id_body("from-environment"));
  CHECK(started{{config, "--node-id=from-flags"},
                {{"NODE_ID", "from-environment"}}}
            .id
        == id_body("from-flags"));
}

TEST_CASE("a cluster port that others can reach is refused without a secret") {
  for (const char* host : {"0.0.0.0", "10.1.2.3", "::"}) {
    CAPTURE(host);
    auto result = start_panal({std::string{"--cluster-host="} + host,
                               "--cluster-port=0", "--http-port=0"});
    CAPTURE(result.output);
    CHECK(result.code == 2);
    CHECK(result.names("secret"));
  }
}

TEST_CASE("a secret that cannot be read or is too short is refused") {
  temp_dir own;
  auto file = own.path() / "secret";
  std::ofstream{file} << "short";
  for (const auto& path : {file.string(), std::string{"/no/such/secret"}}) {
    CAPTURE(path);
    auto result = start_panal(
        {"--cluster-port=0", "--http-port=0", "--cluster-secret-file=" + path});
    CAPTURE(result.output);
    CHECK(result.code == 2);
    CHECK_FALSE(result.names("short\n"));
  }
}

TEST_CASE("the secret shows neither in the log nor among the arguments") {
  const std::string secret = "correct-horse-battery-staple";
  started s{{"--cluster-port=0", "--cluster-host=" + test_host(),
             "--log-level=debug"},
            {{"INTERNAL_TOKEN", secret}}};
  CHECK(s.child->tail(10'000).find(secret) == std::string::npos);
}

TEST_CASE("a second node on the same data directory is refused") {
  node first{{}};
  first.start();
  auto client = first.client();
  REQUIRE(client.put("k", "1", 1).status == 200);
  node_setup same;
  same.id = "second";
  same.data_dir = first.data_dir();
  node second{same};
  second.launch_only();
  auto ended = second.program().wait_exit(patience);
  CAPTURE(second.program().tail());
  REQUIRE(ended);
  CHECK(ended->code > 0);
  CHECK(second.count_events("serving") == 0);
  CHECK(client.put("k", "2", 2).status == 200);
  CHECK(client.get("k").value == "2");
}

TEST_CASE("a port that is taken ends the start, and leaves the data free") {
  node first{{}};
  first.start();
  temp_dir own;
  launch what;
  what.program = panal_binary();
  what.arguments = {"--http-host=" + first.http().host,
                    "--http-port=" + std::to_string(first.http().port),
                    "--data-dir=" + (own.path() / "data").string()};
  process second{what};
  auto ended = second.wait_exit(patience);
  CAPTURE(second.tail());
  REQUIRE(ended);
  CHECK(ended->code > 0);
  CHECK(first.client().request("GET", "/_health").status == 200);
}

TEST_CASE("a data directory that cannot be made ends the start") {
  temp_dir own;
  auto file = own.path() / "a-file";
  std::ofstream{file} << "in the way";
  launch what;
  what.program = panal_binary();
  what.arguments = {"--http-port=0", "--http-host=" + test_host(),
                    "--data-dir=" + (file / "data").string()};
  process child{what};
  auto ended = child.wait_exit(patience);
  CAPTURE(child.tail());
  REQUIRE(ended);
  CHECK(ended->code > 0);
}

TEST_CASE("a node says serving once, and stopping and stopped at its end") {
  node one{{}};
  one.start();
  CHECK(one.count_events("serving") == 1);
  one.program().signal(SIGTERM);
  auto ended = one.program().wait_exit(patience);
  REQUIRE(ended);
  CHECK(ended->code == 0);
  CHECK(one.wait_event("stopped", {}, patience));
  CHECK(one.count_events("stopping") == 1);
}

TEST_CASE("SIGINT ends a node as SIGTERM does") {
  node one{{}};
  one.start();
  one.program().signal(SIGINT);
  auto ended = one.program().wait_exit(patience);
  REQUIRE(ended);
  CHECK(ended->code == 0);
}

TEST_CASE("idle connections do not keep a node from ending") {
  node one{{}};
  one.start();
  std::vector<connection> idle;
  for (int i = 0; i < 100; ++i) {
    auto line = connection::open(one.http());
    REQUIRE(line);
    idle.push_back(std::move(*line));
  }
  auto client = one.client();
  REQUIRE(client.put("k", "1", 1).status == 200);
  auto began = steady::now();
  auto ended = one.terminate();
  REQUIRE(ended);
  CHECK(ended->code == 0);
  CHECK(steady::now() - began < seconds{5});
}

TEST_CASE("a request that has begun when SIGTERM comes is still answered") {
  node one{{}};
  one.start();
  auto line = connection::open(one.http());
  REQUIRE(line);
  auto body = put_body("1", 1);
  REQUIRE(line->send(text("PUT /cache/k HTTP/1.1\r\nHost: x\r\n"
                          "Content-Type: application/json\r\n"
                          "Expect: 100-continue\r\nContent-Length: ",
                          body.size(), "\r\n\r\n")));
  std::string buffer;
  // Now the node has read the header: the request is under way.
  REQUIRE(read_response(*line, buffer, patience).status == 100);
  one.program().signal(SIGTERM);
  REQUIRE(one.wait_event("stopping", {}, patience));
  REQUIRE(line->send(body));
  CHECK(read_response(*line, buffer, patience).status == 200);
  auto ended = one.program().wait_exit(patience);
  REQUIRE(ended);
  CHECK(ended->code == 0);
  one.start();
  CHECK(one.client().get("k").status == 200);
}

TEST_CASE("SIGTERM under load exits with 0 and loses nothing acknowledged") {
  auto seed = test_seed("SIGTERM under load");
  node one{{}};
  one.start();
  recorder notes{milliseconds{0}};
  auto rounds = scaled(4);
  for (std::size_t round = 0; round < rounds; ++round) {
    CAPTURE(round);
    load_setup setup;
    setup.nodes = {one.http()};
    setup.seed = seed + round;
    load writers{notes, setup, own_keys(100, 1)};
    REQUIRE(writers.wait_for_more(500));
    auto ended = one.terminate();
    REQUIRE(ended);
    CHECK(ended->code == 0);
    CHECK(ended->signal == 0);
    writers.stop();
    one.start();
    CHECK(objections(notes, one.http()) == "");
  }
  CHECK(notes.count().accepted > 500 * rounds / 2);
}

TEST_CASE("SIGTERM leaves no answer cut off in the middle") {
  node one{{}};
  one.start();
  std::vector<connection> lines;
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += request_bytes("PUT", text("/cache/k", i), put_body("1", 1));
  for (int i = 0; i < 20; ++i) {
    auto line = connection::open(one.http());
    REQUIRE(line);
    REQUIRE(line->send(requests));
    lines.push_back(std::move(*line));
  }
  one.program().signal(SIGTERM);
  for (auto& line : lines) {
    auto got = line.receive_all(patience);
    CHECK(got.closed);
    // Answers only, each of them whole: a head, then what its length says.
    std::string_view rest = got.bytes;
    while (!rest.empty()) {
      auto head = rest.find("\r\n\r\n");
      REQUIRE(head != std::string_view::npos);
      auto length = rest.substr(0, head).find("ontent-");
      REQUIRE(length != std::string_view::npos);
      auto body = rest.find('}', head);
      REQUIRE(body != std::string_view::npos);
      rest.remove_prefix(body + 1);
    }
  }
  auto ended = one.program().wait_exit(patience);
  REQUIRE(ended);
  CHECK(ended->code == 0);
}
