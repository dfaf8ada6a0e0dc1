#pragma once

// The cluster's mutual TLS as far as OpenSSL is concerned: from PEM files to a
// context that sessions are made from, and the check of a peer's name against
// its certificate. Moving bytes is somebody else's part. TLS 1.2 or newer, no
// renegotiation, no resumption (each connection shows its certificate), and
// both ends must show one that the given authority has signed.

#include "storage/errc.hpp"

#include <memory>
#include <string>
#include <string_view>

// OpenSSL's own names, so that this header takes none of its others along.
struct ssl_st;
struct ssl_ctx_st;

namespace panal {

/// Paths of PEM files; all three or none.
struct tls_files {
  /// This node's certificate, and after it those between it and the authority.
  std::string certificate;
  /// Its private key, without a passphrase.
  std::string key;
  /// Who signs the certificates of this cluster's nodes.
  std::string authority;

  bool empty() const noexcept {
    return certificate.empty() && key.empty() && authority.empty();
  }
};

/// What sessions are made from; immutable, cheap to copy, thread-safe.
class tls_context {
public:
  /// Reads the files; blocks. Error: `unavailable`, with words that name the
  /// option and the file.
  static result<tls_context> load(const tls_files& files);

  /// A new session, which the caller has to free (SSL_free). Throws
  /// std::runtime_error where OpenSSL has no memory.
  ssl_st* new_session() const;

  /// Whether this node's own certificate is for `name`.
  bool is_for(std::string_view name) const;

  /// When this node's own certificate ends, as OpenSSL prints it.
  std::string expires() const;

private:
  explicit tls_context(std::shared_ptr<ssl_ctx_st> context)
      : context_{std::move(context)} {}

  std::shared_ptr<ssl_ctx_st> context_;
};

/// Whether the peer's certificate is for `name`: one of its alternative DNS
/// names is exactly that or, where it has no alternative names at all, its
/// common name. No wildcards: the name is a node's, not a host's.
bool is_peer_named(const ssl_st* session, std::string_view name);

/// What was wrong with the peer's certificate, in OpenSSL's words
/// ("certificate has expired"); empty: nothing, or there was none.
std::string peer_problem(const ssl_st* session);

} // namespace panal
