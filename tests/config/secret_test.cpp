#include "tests/config/fixture.hpp"

using namespace panal;
using namespace panal::test;

namespace {

const std::string secret = "correct-horse-16";

/// Whether no mistake shows what must not be seen.
void check_silent(const load_outcome& x, std::string_view hidden) {
  CHECK(x.what == action::refuse);
  CHECK(!x.mistakes.empty());
  for (const auto& text : x.mistakes)
    CHECK_MESSAGE(!has(text, hidden), text);
}

} // namespace

TEST_CASE("a secret is read from its file without one newline at the end") {
  temp_dir dir;
  auto load_file = [&](const std::string& content) {
    auto path = dir.write("secret", content);
    return expect_run(load_from({"--cluster-secret-file=" + path}))
        .cluster_secret;
  };
  CHECK(load_file(secret) == secret);
  CHECK(load_file(secret + "\n") == secret);
  CHECK(load_file(secret + "\n\n") == secret + "\n");
  CHECK(load_file(std::string(16, '\0')) == std::string(16, '\0'));
  CHECK(load_file(std::string(4096, 'x') + "\n").size() == 4096);
}

TEST_CASE("the secret's file may be named by environment and file") {
  temp_dir dir;
  auto path = dir.write("secret", secret);
  CHECK(expect_run(load_from({}, {"PANAL_CLUSTER_SECRET_FILE=" + path}))
            .cluster_secret
        == secret);
  CHECK(expect_run(load_yaml("cluster-secret-file: " + path)).cluster_secret
        == secret);
}

TEST_CASE("INTERNAL_TOKEN is the secret itself, and empty it is not set") {
  auto x = expect_run(load_from({}, {"INTERNAL_TOKEN=" + secret}));
  CHECK(x.cluster_secret == secret);
  CHECK(expect_run(load_from({}, {"INTERNAL_TOKEN="})).cluster_secret.empty());
  check_one_mistake(load_from({"--cluster-host=10.0.0.1"}, {"INTERNAL_TOKEN="}),
                    {"needs a secret"});
}

TEST_CASE("a flag's secret wins over INTERNAL_TOKEN over the file's") {
  temp_dir dir;
  auto path = dir.write("secret", "from-a-file-16-bytes");
  auto yaml = dir.write("a.yaml", "cluster-secret-file: " + path);
  std::string token = "INTERNAL_TOKEN=" + secret;
  CHECK(expect_run(load_from({"--cluster-secret-file=" + path}, {token}))
            .cluster_secret
        == "from-a-file-16-bytes");
  CHECK(expect_run(load_from({"--config-file=" + yaml}, {token})).cluster_secret
        == secret);
}

TEST_CASE("a secret has at least 16 and at most 4096 bytes") {
  temp_dir dir;
  for (const auto& content : {std::string{}, std::string{"\n"},
                              std::string(15, 'x'), std::string(4097, 'x')}) {
    INFO(content.size());
    auto path = dir.write("secret", content);
    auto x = load_from({"--cluster-secret-file=" + path});
    CHECK(x.what == action::refuse);
    CHECK(x.mistakes.size() == 1);
  }
  check_one_mistake(load_from({}, {"INTERNAL_TOKEN=short"}),
                    {"environment INTERNAL_TOKEN", "16..4096"});
}

TEST_CASE("a secret's file that cannot be read is the one mistake") {
  check_one_mistake(load_from({"--cluster-host=10.0.0.1",
                               "--cluster-secret-file=/nonexistent/x"}),
                    {"flag --cluster-secret-file", "No such file"});
}

TEST_CASE("no mistake shows a secret") {
  temp_dir dir;
  check_silent(load_from({}, {"INTERNAL_TOKEN=hunter2"}), "hunter2");
  auto path = dir.write("secret", "hunter2");
  check_silent(load_from({"--cluster-secret-file=" + path}), "hunter2");
}

TEST_CASE("no mistake shows a secret that was given in a wrong place") {
  check_silent(load_from({"--cluster-secret-file=hunter2"}), "hunter2");
  check_silent(load_from({"--cluster-secret=hunter2"}), "hunter2");
  check_silent(load_from({"--cluster-secret", "hunter2"}), "hunter2");
  check_silent(load_from({}, {"PANAL_CLUSTER_SECRET=hunter2"}), "hunter2");
  check_silent(load_from({}, {"PANAL_INTERNAL_TOKEN=hunter2"}), "hunter2");
  check_silent(load_yaml("cluster-secret: hunter2"), "hunter2");
  check_silent(load_yaml("cluster-secret-file: hunter2"), "hunter2");
  check_silent(load_yaml("cluster-secret-file: [hunter2]"), "hunter2");
}

TEST_CASE("the secret does not come back when the options are refused") {
  auto x = load_from({"--shards=99"}, {"INTERNAL_TOKEN=" + secret});
  CHECK(x.chosen.cluster_secret.empty());
}
