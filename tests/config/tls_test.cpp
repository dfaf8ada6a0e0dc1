#include "tests/config/fixture.hpp"

using namespace panal;
using namespace panal::test;

namespace {

/// Three files that can be read; what is in them is not config's business.
struct tls_folder {
  temp_dir dir;
  std::string cert = dir.write("cert.pem", "c");
  std::string key = dir.write("key.pem", "k");
  std::string ca = dir.write("ca.pem", "a");

  std::vector<std::string> flags() const {
    return {"--cluster-tls-cert=" + cert, "--cluster-tls-key=" + key,
            "--cluster-tls-ca=" + ca};
  }
};

} // namespace

TEST_CASE(
    "without the files of TLS there is no TLS, and the cluster is panal") {
  auto x = expect_run(load_from({}));
  CHECK(x.cluster_tls_cert.empty());
  CHECK(x.cluster_tls_key.empty());
  CHECK(x.cluster_tls_ca.empty());
  CHECK(x.cluster_name == "panal");
}

TEST_CASE("the files of TLS are three") {
  tls_folder files;
  auto x = expect_run(load_from(files.flags()));
  CHECK(x.cluster_tls_cert == files.cert);
  CHECK(x.cluster_tls_key == files.key);
  CHECK(x.cluster_tls_ca == files.ca);
}

TEST_CASE("a file of TLS that is missing is a mistake, each of them") {
  tls_folder files;
  for (std::size_t left_out = 0; left_out < 3; ++left_out) {
    auto flags = files.flags();
    auto name = flags[left_out].substr(2, flags[left_out].find('=') - 2);
    flags.erase(flags.begin() + static_cast<std::ptrdiff_t>(left_out));
    check_one_mistake(load_from(flags), {name + ": missing", "or none"});
  }
  auto x = load_from({"--cluster-tls-ca=" + files.ca});
  CHECK(x.mistakes.size() == 2);
}

TEST_CASE("a file of TLS that cannot be read is a mistake, all at once") {
  tls_folder files;
  auto x = load_from({"--cluster-tls-cert=/nonexistent/c",
                      "--cluster-tls-key=" + files.dir.path(),
                      "--cluster-tls-ca=" + files.ca});
  REQUIRE(x.mistakes.size() == 2);
  CHECK(has(x.mistakes[0], "cluster-tls-cert \"/nonexistent/c\": the file"));
  CHECK(has(x.mistakes[0], "No such file"));
  CHECK(has(x.mistakes[1], "cluster-tls-key"));
}

TEST_CASE("a file of TLS that is too large is not read to its end") {
  tls_folder files;
  auto large = files.dir.write("large", std::string(1'100'000, 'x'));
  auto flags = files.flags();
  flags[2] = "--cluster-tls-ca=" + large;
  check_one_mistake(load_from(flags), {"cluster-tls-ca", "has more than"});
}

TEST_CASE("TLS counts as a secret for a host other than loopback") {
  tls_folder files;
  auto flags = files.flags();
  flags.emplace_back("--cluster-host=10.0.0.1");
  CHECK(expect_run(load_from(flags)).cluster_host == "10.0.0.1");
  check_one_mistake(load_from({"--cluster-host=10.0.0.1"}),
                    {"needs a secret or TLS", "--cluster-tls-cert"});
  // One mistake is told once: TLS was meant.
  check_one_mistake(load_from({flags[0], flags[1], flags[3]}),
                    {"cluster-tls-ca: missing"});
}

TEST_CASE("a cluster's name is made of the characters of a node's id") {
  CHECK(expect_run(load_from({"--cluster-name=hive-2.b_C"})).cluster_name
        == "hive-2.b_C");
  CHECK(expect_run(load_from({}, {"PANAL_CLUSTER_NAME=hive"})).cluster_name
        == "hive");
  for (const auto& name : {std::string{}, std::string{"a b"},
                           std::string{"a/b"}, std::string(65, 'a')})
    check_one_mistake(load_from({"--cluster-name=" + name}),
                      {"cluster-name", "1..64 characters"});
}
