#include "config/file.hpp"
#include "tests/config/fixture.hpp"

using namespace panal;
using namespace panal::test;

TEST_CASE("an empty file, or one of comments, gives nothing") {
  for (const auto* yaml : {"", "\n", "# nothing\n", "---\n", "{}", "~"})
    expect_run(load_yaml(yaml));
}

TEST_CASE("the file may be JSON, which is YAML too") {
  auto x = expect_run(load_yaml(R"({"shards": 2, "node-id": "n7"})"));
  CHECK(x.shards == 2);
  CHECK(x.node_id == "n7");
}

TEST_CASE("a text is taken as it is written") {
  CHECK(expect_run(load_yaml("node-id: 007")).node_id == "007");
  CHECK(expect_run(load_yaml("node-id: no")).node_id == "no");
  CHECK(expect_run(load_yaml("node-id: !!str 12")).node_id == "12");
  CHECK(expect_run(load_yaml("data-dir: 'a: b'")).data_dir == "a: b");
}

TEST_CASE("an anchor may be used again") {
  auto x =
      expect_run(load_yaml("header-timeout-ms: &t 500\nbody-timeout-ms: *t\n"));
  CHECK(x.body_timeout == std::chrono::milliseconds{500});
}

TEST_CASE("a list may be a sequence or a text") {
  for (const auto* yaml :
       {"cluster-port: 1\njoin: [a:1, 'b:2']", "cluster-port: 1\njoin: a:1,b:2",
        "cluster-port: 1\njoin:\n  - a:1\n  - b:2"}) {
    auto x = expect_run(load_yaml(yaml));
    CHECK(x.join == std::vector<std::string>{"a:1", "b:2"});
  }
  CHECK(expect_run(load_yaml("join: []")).join.empty());
}

TEST_CASE("an unknown name is a mistake with its line") {
  check_one_mistake(load_yaml("# x\nshards: 1\nhttp_port: 1\n"),
                    {"line 3, \"http_port\": no such option"});
  check_one_mistake(load_yaml("<<: {shards: 1}"), {"\"<<\""});
  check_one_mistake(load_yaml("\"a\\e[2J\": 1"), {R"("a\x1b[2J")"});
}

TEST_CASE("a name given twice is a mistake with both lines") {
  check_one_mistake(load_yaml("shards: 1\n\nshards: 2\n"),
                    {"line 3, shards", "already given in line 1"});
}

TEST_CASE("a file cannot name another file") {
  check_one_mistake(load_yaml("config-file: b.yaml"), {"not in a file"});
}

TEST_CASE("a value of a wrong type is a mistake with its line") {
  for (const auto* value :
       {"[1]", "{a: 1}", "", "~", "null", "\"1\"", "'1'", "!!str 1", "!!int 1",
        "!x 1", "one", "true", "1.0", "1_000"}) {
    INFO(value);
    check_one_mistake(load_yaml(std::string{"http-threads: "} + value),
                      {"line 1, http-threads", "allowed: 1..64"});
  }
  for (const auto* value : {"[a]", "{a: 1}", "", "!!binary YQ=="}) {
    INFO(value);
    check_one_mistake(load_yaml(std::string{"node-id: "} + value),
                      {"line 1, node-id", "allowed: "});
  }
  for (const auto* value :
       {"[[a:1]]", "[~]", "{a: 1}", "[a:1, {b: 2}]", "[a]", "[a:1, '']"}) {
    INFO(value);
    check_one_mistake(load_yaml(std::string{"cluster-port: 1\njoin: "} + value),
                      {"line 2, join", "host:port"});
  }
}

TEST_CASE("a bracket too many ends the reading") {
  for (const auto* yaml : {"&g*a:5,b:2join]", "{shards: 1}]", "[a]}"})
    CHECK(load_yaml(yaml).what == action::refuse);
}

TEST_CASE("a value that contains itself is a mistake with its line") {
  for (const auto* value : {"&a [*a]", "&a {b: *a}", "&a [[*a]]"})
    check_one_mistake(load_yaml(std::string{"shards: 1\njoin: "} + value),
                      {"line 2", "an alias inside of what it stands for"});
}

TEST_CASE("a file that is no mapping is a mistake") {
  for (const auto* yaml : {"- a\n- b", "text", "1"})
    check_one_mistake(load_yaml(yaml), {"line 1", "not a mapping"});
  check_one_mistake(load_yaml("[a]: 1"), {"line 1", "not a text"});
  check_one_mistake(load_yaml("shards: 1\n---\nshards: 2\n"),
                    {"a second document"});
}

TEST_CASE("a file that is no YAML is a mistake with its line") {
  for (const auto* yaml :
       {"shards: 1\n\tnode-id: a", "shards: 1\nnode-id: 'a", "shards: 1\n]",
        "shards: 1\na: b: c", "shards: 1\nnode-id: *nowhere", "shards: 1\n@"}) {
    INFO(yaml);
    check_one_mistake(load_yaml(yaml), {"line ", "not YAML"});
  }
}

TEST_CASE("brackets without end do not bring the reader down") {
  auto x = load_yaml("join: " + std::string(200'000, '['));
  check_one_mistake(x, {"not YAML"});
}

TEST_CASE("bytes that are no text do not bring the reader down") {
  std::string bytes;
  for (int i = 0; i < 4096; ++i)
    bytes += static_cast<char>((i * 37) ^ (i >> 4));
  CHECK(load_yaml(bytes).what == action::refuse);
}

TEST_CASE("nothing hides behind a control character") {
  for (char c : {'\0', '\x04', '\x1b', '\x7f'})
    check_one_mistake(
        load_yaml(std::string{"shards: 1\n"} + c + "\nnonsense: 1\n"),
        {"line 2", "control character"});
  CHECK(expect_run(load_yaml("shards: 1\r\nhttp-threads:\t2\r\n")).shards == 1);
}

TEST_CASE("a file that cannot be read is a mistake") {
  temp_dir dir;
  check_one_mistake(load_from({"--config-file=" + dir.path() + "/none"}),
                    {"cannot be opened", "No such file"});
  check_one_mistake(load_from({"--config-file=" + dir.path()}),
                    {"cannot be read", "directory"});
  check_one_mistake(load_from({"--config-file=/dev/zero"}), {"more than"});
  check_one_mistake(load_from({"--config-file="}), {"flag --config-file"});
}

TEST_CASE("a file is read up to its limit and not beyond") {
  temp_dir dir;
  auto path = dir.write("a", std::string(10'000, 'x'));
  CHECK(read_file(path, 10'000).bytes.size() == 10'000);
  CHECK(read_file(path, 9'999).bytes.empty());
  CHECK(!read_file(path, 9'999).problem.empty());
}
