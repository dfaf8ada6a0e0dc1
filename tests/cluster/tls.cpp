#include "cluster/tls.hpp"

#include "tests/support/test_ca.hpp"

#include <doctest/doctest.h>

#include <fstream>

using namespace panal;
using panal::test::test_ca;

namespace {

tls_files files_of(const test_ca& ca, const std::string& name) {
  return {ca.certificate(name), ca.key(name), ca.authority()};
}

void check_refused(const tls_files& files, std::string_view option,
                   std::string_view why) {
  auto loaded = tls_context::load(files);
  REQUIRE(loaded.has_error());
  INFO(loaded.error().detail);
  CHECK(loaded.error().code == errc::unavailable);
  CHECK(loaded.error().detail.find(option) != std::string::npos);
  CHECK(loaded.error().detail.find(why) != std::string::npos);
}

bool is_for(const test_ca& ca, const std::string& file,
            const std::string& name) {
  auto loaded = tls_context::load(files_of(ca, file));
  REQUIRE(loaded.has_value());
  return loaded->is_for(name);
}

} // namespace

TEST_CASE("the files that the script makes are taken") {
  test_ca ca;
  ca.issue("ant");
  auto loaded = tls_context::load(files_of(ca, "ant"));
  REQUIRE(loaded.has_value());
  CHECK(loaded->is_for("ant"));
  CHECK_FALSE(loaded->is_for("bee"));
  CHECK(loaded->expires().find("GMT") != std::string::npos);
}

TEST_CASE("a file that cannot be used is named, with the reason") {
  test_ca ca;
  ca.issue("ant");
  ca.issue("bee");
  auto files = files_of(ca, "ant");
  SUBCASE("no certificate") {
    files.certificate = ca.file("none");
    check_refused(files, "--cluster-tls-cert", "No such file");
  }
  SUBCASE("a certificate that is a key") {
    files.certificate = files.key;
    check_refused(files, "--cluster-tls-cert", "holds no PEM certificate");
  }
  SUBCASE("an empty certificate") {
    std::ofstream{ca.file("empty")};
    files.certificate = ca.file("empty");
    check_refused(files, "--cluster-tls-cert", "holds no PEM certificate");
  }
  SUBCASE("a broken certificate") {
    ca.run("sed 's/^M/!/' ant.pem >broken");
    files.certificate = ca.file("broken");
    check_refused(files, "--cluster-tls-cert", "broken");
  }
  SUBCASE("half a certificate") {
    ca.run("head -3 ant.pem >half");
    files.certificate = ca.file("half");
    check_refused(files, "--cluster-tls-cert", "broken");
  }
  SUBCASE("no key") {
    files.key = files.certificate;
    check_refused(files, "--cluster-tls-key", "no PEM private key");
  }
  SUBCASE("another one's key") {
    files.key = ca.key("bee");
    check_refused(files, "--cluster-tls-key", "not the certificate's key");
  }
  SUBCASE("a key with a passphrase, which nobody is asked for") {
    ca.run("openssl ec -in ant.key -aes256 -passout pass:honey -out locked");
    files.key = ca.file("locked");
    check_refused(files, "--cluster-tls-key", "without a passphrase");
  }
  SUBCASE("no authority") {
    files.authority = ca.key("ant");
    check_refused(files, "--cluster-tls-ca", "holds no PEM certificate");
  }
  SUBCASE("an authority with garbage behind it") {
    ca.run("cat ca.pem >two; sed 's/^M/!/' ant.pem >>two");
    files.authority = ca.file("two");
    check_refused(files, "--cluster-tls-ca", "broken");
  }
}

TEST_CASE("a certificate's alternative names are all that counts") {
  test_ca ca;
  ca.issue_odd("two", "/CN=other", "DNS:ant,DNS:bee");
  CHECK(is_for(ca, "two", "ant"));
  CHECK(is_for(ca, "two", "bee"));
  CHECK_FALSE(is_for(ca, "two", "other"));
  CHECK_FALSE(is_for(ca, "two", "an"));
  CHECK_FALSE(is_for(ca, "two", "Ant"));
  CHECK_FALSE(is_for(ca, "two", ""));
  ca.issue_odd("address", "/CN=other", "IP:127.0.0.1");
  CHECK_FALSE(is_for(ca, "address", "other"));
  CHECK_FALSE(is_for(ca, "address", "127.0.0.1"));
  ca.issue_odd("wild", "/CN=other", "DNS:*,DNS:*.example");
  CHECK_FALSE(is_for(ca, "wild", "ant"));
  CHECK_FALSE(is_for(ca, "wild", "ant.example"));
}

TEST_CASE("without alternative names the common name counts, if it is one") {
  test_ca ca;
  ca.issue_odd("plain", "/O=hive/CN=ant", "");
  CHECK(is_for(ca, "plain", "ant"));
  CHECK_FALSE(is_for(ca, "plain", "hive"));
  ca.issue_odd("double", "/CN=ant/CN=bee", "");
  CHECK_FALSE(is_for(ca, "double", "ant"));
  CHECK_FALSE(is_for(ca, "double", "bee"));
  ca.issue_odd("nobody", "/O=ant", "");
  CHECK_FALSE(is_for(ca, "nobody", "ant"));
}
