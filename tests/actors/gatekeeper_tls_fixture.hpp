#pragma once

// Gatekeepers with certificates, and a TLS client that is no gatekeeper.

#include "tests/actors/gatekeeper_fixture.hpp"
#include "tests/support/test_ca.hpp"

#include <openssl/ssl.h>

#include <memory>

namespace panal::test {

/// Node `name`'s setup with the certificate `shown` of `ca`; a file of that
/// name that is not there yet is made.
inline gatekeeper_config tls_config_of(const test_ca& ca, origin_id origin,
                                       const std::string& name,
                                       std::string shown = {}) {
  if (shown.empty())
    shown = name;
  if (!std::filesystem::exists(ca.certificate(shown)))
    ca.issue(shown);
  auto config = config_of(origin, name);
  config.tls = {ca.certificate(shown), ca.key(shown), ca.authority()};
  return config;
}

/// Ant and bee, who trust each other.
struct tls_pair {
  test_ca ca;
  node ant{tls_config_of(ca, 1, "ant")};
  node bee{tls_config_of(ca, 2, "bee")};

  /// A link from ant to bee: their ends.
  std::pair<admitted_peer, admitted_peer> link() {
    ant.keeper.dial(bee.address());
    auto dialled = ant.events.admitted();
    return {std::move(dialled), bee.events.admitted()};
  }
};

/// A blocking TLS client over a connected socket, which trusts anybody.
class tls_client {
public:
  explicit tls_client(std::uint16_t port) : socket_{connect_to(port)} {
    SSL_CTX_set_security_level(context_.get(), 0); // for old versions
  }

  void use(const test_ca& ca, const std::string& name) {
    REQUIRE(SSL_CTX_use_certificate_file(
                context_.get(), ca.certificate(name).c_str(), SSL_FILETYPE_PEM)
            == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context_.get(), ca.key(name).c_str(),
                                        SSL_FILETYPE_PEM)
            == 1);
  }

  void limit_version(int version) {
    SSL_CTX_set_min_proto_version(context_.get(), 0);
    SSL_CTX_set_max_proto_version(context_.get(), version);
  }

  bool connect() {
    session_.reset(SSL_new(context_.get()));
    SSL_set_fd(session_.get(), socket_.get());
    return SSL_connect(session_.get()) == 1;
  }

  bool send(std::string_view bytes) {
    return SSL_write(session_.get(), bytes.data(),
                     static_cast<int>(bytes.size()))
           == static_cast<int>(bytes.size());
  }

  /// Whether the other end hangs up before it says a word.
  bool is_turned_away() {
    char byte = 0;
    return SSL_read(session_.get(), &byte, 1) <= 0 && is_cut(socket_.get());
  }

  SSL* session() const { return session_.get(); }

private:
  struct free_context {
    void operator()(SSL_CTX* x) const { SSL_CTX_free(x); }
  };
  struct free_session {
    void operator()(SSL* x) const { SSL_free(x); }
  };

  socket_handle socket_;
  std::unique_ptr<SSL_CTX, free_context> context_{SSL_CTX_new(TLS_method())};
  std::unique_ptr<SSL, free_session> session_;
};

} // namespace panal::test
