// Who gets through mutual TLS, and who does not.

#include "tests/actors/gatekeeper_tls_fixture.hpp"

#include <fstream>
#include <random>

using namespace panal;
using namespace panal::test;

namespace {

/// Whether a dial ended because of TLS. The reason that an acceptor sends can
/// be lost behind its closing, as any last words over TCP.
bool is_insecure(dial_failure reason) {
  return reason == dial_failure::tls || reason == dial_failure::closed;
}

/// Neither gets through to the other, whoever dials, and both count it.
void check_strangers(node& ant, node& bee) {
  for (auto* dialler : {&ant, &bee}) {
    auto& acceptor = dialler == &ant ? bee : ant;
    auto before = acceptor.keeper.counts().tls_failed.load();
    dialler->keeper.dial(acceptor.address());
    auto reason = dialler->events.failure().reason;
    CAPTURE(to_string(reason));
    CHECK(is_insecure(reason));
    CHECK(eventually(
        [&] { return acceptor.keeper.counts().tls_failed > before; }));
  }
  for (auto* one : {&ant, &bee}) {
    CHECK(one->events.is_empty());
    CHECK(one->keeper.counts().admitted == 0);
    CHECK(one->keeper.counts().introduced == 0);
  }
}

} // namespace

TEST_CASE("with certificates of one authority two nodes admit each other") {
  tls_pair both;
  check_admits(both.ant, both.bee);
  both.bee.keeper.dial(both.ant.address());
  CHECK(both.bee.events.introduced() == both.ant.keeper.self());
  CHECK(both.ant.events.introduced() == both.bee.keeper.self());
}

TEST_CASE("TLS does not stand in for the secret") {
  test_ca ca;
  node ant{tls_config_of(ca, 1, "ant")};
  auto config = tls_config_of(ca, 2, "bee");
  config.secret = "wax";
  node bee{config};
  ant.keeper.dial(bee.address());
  CHECK(ant.events.failure().reason == dial_failure::wrong_secret);
}

TEST_CASE("without a secret the certificates are enough") {
  test_ca ca;
  auto ant_config = tls_config_of(ca, 1, "ant");
  auto bee_config = tls_config_of(ca, 2, "bee");
  ant_config.secret.clear();
  bee_config.secret.clear();
  node ant{ant_config};
  node bee{bee_config};
  check_admits(ant, bee);
}

TEST_CASE("a certificate of another authority is refused") {
  test_ca ours;
  test_ca theirs;
  node ant{tls_config_of(ours, 1, "ant")};
  node bee{tls_config_of(theirs, 2, "bee")};
  check_strangers(ant, bee);
}

TEST_CASE("a certificate that has expired is refused") {
  test_ca ca;
  ca.issue("bee", -1);
  node ant{tls_config_of(ca, 1, "ant")};
  node bee{tls_config_of(ca, 2, "bee")};
  check_strangers(ant, bee);
}

TEST_CASE("a node whose certificate has another name is refused and told") {
  test_ca ca;
  node ant{tls_config_of(ca, 1, "ant")};
  node wasp{tls_config_of(ca, 2, "bee", "wasp")};
  wasp.keeper.dial(ant.address());
  CHECK(wasp.events.failure().reason == dial_failure::wrong_name);
  ant.keeper.dial(wasp.address());
  CHECK(ant.events.failure().reason == dial_failure::wrong_name);
  CHECK(ant.keeper.counts().refused(verdict::wrong_name) == 2);
  CHECK(eventually([&] { return wasp.keeper.counts().closed == 1; }));
  CHECK(ant.events.is_empty());
  CHECK(wasp.events.is_empty());
}

TEST_CASE("a node with TLS never talks to one without, nor the other way") {
  test_ca ca;
  node secure{tls_config_of(ca, 1, "ant")};
  node plain{2, "bee"};
  plain.keeper.dial(secure.address());
  auto reason = plain.events.failure().reason;
  CHECK((reason == dial_failure::malformed || reason == dial_failure::closed));
  CHECK(eventually([&] { return secure.keeper.counts().tls_failed == 1; }));
  secure.keeper.dial(plain.address());
  CHECK(is_insecure(secure.events.failure().reason));
  CHECK(eventually(
      [&] { return plain.keeper.counts().refused(verdict::malformed) >= 1; }));
  CHECK(secure.events.is_empty());
  CHECK(plain.events.is_empty());
}

TEST_CASE("a client without a certificate, or with an old TLS, is cut off") {
  test_ca ca;
  node ant{tls_config_of(ca, 1, "ant")};
  ca.issue("bee");
  tls_client client{ant.port};
  SUBCASE("no certificate over TLS 1.3") {
    CHECK((!client.connect() || client.is_turned_away()));
  }
  SUBCASE("no certificate over TLS 1.2") {
    client.limit_version(TLS1_2_VERSION);
    CHECK((!client.connect() || client.is_turned_away()));
  }
  SUBCASE("TLS 1.1") {
    client.use(ca, "bee");
    client.limit_version(TLS1_1_VERSION);
    CHECK_FALSE(client.connect());
  }
  CHECK(eventually([&] { return ant.keeper.counts().tls_failed == 1; }));
}

TEST_CASE("a client cannot renegotiate, nor resume") {
  test_ca ca;
  node ant{tls_config_of(ca, 1, "ant")};
  ca.issue("bee");
  tls_client client{ant.port};
  client.use(ca, "bee");
  client.limit_version(TLS1_2_VERSION);
  REQUIRE(client.connect());
  CHECK(SSL_SESSION_is_resumable(SSL_get_session(client.session())) == 0);
  SSL_renegotiate(client.session());
  CHECK(SSL_do_handshake(client.session()) <= 0);
  CHECK(ant.events.is_empty());
}

TEST_CASE("within TLS garbage is cut off as without") {
  test_ca ca;
  node ant{tls_config_of(ca, 1, "ant")};
  ca.issue("bee");
  tls_client client{ant.port};
  client.use(ca, "bee");
  REQUIRE(client.connect());
  REQUIRE(client.send("GET / HTTP/1.1\r\n\r\n"));
  CHECK(client.is_turned_away());
  CHECK(ant.keeper.counts().refused(verdict::malformed) == 1);
}

TEST_CASE("garbage in place of TLS is cut at once, and hurts nobody") {
  tls_pair both;
  auto before = open_descriptors();
  auto seed = std::random_device{}();
  INFO("seed ", seed);
  std::mt19937 random{seed};
  std::uniform_int_distribution<int> byte{0, 255};
  const int rounds = 100;
  for (int round = 0; round < rounds; ++round) {
    std::string garbage(1000, '\0');
    for (auto& c : garbage)
      c = static_cast<char>(byte(random));
    // Whatever was drawn, it is no record of TLS, not even one that goes on.
    garbage[0] = garbage[1] = '\0';
    auto took = time_of([&] {
      auto fd = connect_to(both.bee.port);
      send_all(fd.get(), garbage);
      REQUIRE(is_cut(fd.get()));
    });
    REQUIRE(took < 9s); // the deadline is 10
  }
  CHECK(both.bee.keeper.counts().tls_failed == rounds);
  CHECK(open_descriptors() <= before);
  check_admits(both.ant, both.bee);
}

TEST_CASE("who is silent before or within TLS is cut at the one deadline") {
  test_ca ca;
  auto config = tls_config_of(ca, 1, "ant");
  config.handshake_timeout = 300ms;
  node ant{config};
  ca.issue("bee");
  CHECK(time_of([&] { CHECK(is_cut(connect_to(ant.port).get())); }) < 5s);
  tls_client client{ant.port};
  client.use(ca, "bee");
  REQUIRE(client.connect());
  CHECK(time_of([&] { CHECK(client.is_turned_away()); }) < 5s);
  CHECK(eventually([&] { return ant.keeper.counts().silent == 2; }));
}

TEST_CASE("200 strangers before TLS leave neither descriptors nor damage") {
  test_ca ca;
  auto config = tls_config_of(ca, 2, "bee");
  config.handshake_timeout = 500ms;
  node bee{config};
  auto before = open_descriptors();
  std::vector<socket_handle> strangers;
  for (int i = 0; i < 200; ++i)
    strangers.push_back(connect_to(bee.port));
  for (auto& stranger : strangers)
    REQUIRE(is_cut(stranger.get()));
  strangers.clear();
  CHECK(open_descriptors() <= before);
  CHECK(bee.keeper.counts().crowded >= 100);
  node ant{tls_config_of(ca, 1, "ant")};
  check_admits(ant, bee);
}

TEST_CASE("a gatekeeper does not start with files that are no good") {
  test_ca ca;
  auto config = tls_config_of(ca, 1, "ant");
  config.tls.authority = ca.key("ant");
  gatekeeper ant{config};
  auto started = ant.start({});
  REQUIRE(started.has_error());
  CHECK(started.error().code == errc::unavailable);
  CHECK(started.error().detail.find("--cluster-tls-ca") != std::string::npos);
}

TEST_CASE("reload takes new certificates and leaves links alone") {
  test_ca ca;
  node ant{tls_config_of(ca, 1, "ant")};
  ca.issue("bee", -1);
  node bee{tls_config_of(ca, 2, "bee")};
  ant.keeper.dial(bee.address());
  CHECK(is_insecure(ant.events.failure().reason));
  ca.issue("bee");
  REQUIRE(bee.keeper.reload().has_value());
  ant.keeper.dial(bee.address());
  auto dialled = ant.events.admitted();
  auto accepted = bee.events.admitted();
  // Now it expires again: the link stays, a further one does not come about.
  ca.issue("bee", -1);
  REQUIRE(bee.keeper.reload().has_value());
  ant.keeper.dial(bee.address());
  CHECK(is_insecure(ant.events.failure().reason));
  send_all(dialled.socket.get(), "still here");
  CHECK(receive(accepted.socket.get(), 10) == "still here");
}

TEST_CASE("a reload that fails keeps what was there") {
  tls_pair both;
  std::ofstream{both.ca.certificate("bee")} << "nonsense";
  auto reloaded = both.bee.keeper.reload();
  REQUIRE(reloaded.has_error());
  CHECK(reloaded.error().detail.find("bee.pem") != std::string::npos);
  check_admits(both.ant, both.bee);
}

TEST_CASE("without TLS a reload does nothing") {
  node ant{1, "ant"};
  node bee{2, "bee"};
  CHECK(ant.keeper.reload().has_value());
  check_admits(ant, bee);
}
