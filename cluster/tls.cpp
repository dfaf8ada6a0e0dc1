#include "cluster/tls.hpp"

#include "config/file.hpp"
#include "config/quote.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <stdexcept>

namespace panal {

namespace {

constexpr std::size_t file_bytes_max = std::size_t{1024} * 1024;
constexpr std::size_t shown_bytes_max = 200;
/// What a stranger may send as its chain before it is cut off.
constexpr long chain_bytes_max = 32L * 1024;
constexpr int chain_depth_max = 8;

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* x) const noexcept {
    Free(x);
  }
};

using context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using names_ptr = std::unique_ptr<GENERAL_NAMES, freed_by<GENERAL_NAMES_free>>;

std::string last_reason() {
  const auto* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown reason";
}

/// Without it OpenSSL would ask for the passphrase on the terminal.
int no_passphrase(char*, int, int, void*) {
  return -1;
}

/// Why the files cannot be used: thrown and caught in this file alone.
struct bad_file {
  std::string detail;
};

/// One PEM file's bytes, and how complaints about it begin.
class pem_file {
public:
  pem_file(std::string_view option, const std::string& path)
      : name_{"--" + std::string{option} + ' '
              + quoted(path, shown_bytes_max)} {
    auto content = read_file(path, file_bytes_max);
    if (!content.problem.empty())
      refuse(content.problem);
    bytes_ = std::move(content.bytes);
    source_.reset(
        BIO_new_mem_buf(bytes_.data(), static_cast<int>(bytes_.size())));
    if (!source_)
      refuse("cannot be read: no memory");
  }

  [[noreturn]] void refuse(const std::string& why) const {
    ERR_clear_error();
    throw bad_file{name_ + ": " + why};
  }

  key_ptr key() const {
    key_ptr result{PEM_read_bio_PrivateKey(source_.get(), nullptr,
                                           no_passphrase, nullptr)};
    if (!result)
      refuse("holds no PEM private key without a passphrase (" + last_reason()
             + ')');
    return result;
  }

  /// The next certificate of the file; null at its end.
  certificate_ptr next() const {
    certificate_ptr result{
        PEM_read_bio_X509(source_.get(), nullptr, no_passphrase, nullptr)};
    if (result)
      return result;
    auto at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!at_end)
      refuse("holds a certificate that is broken (" + last_reason() + ')');
    ERR_clear_error();
    return nullptr;
  }

private:
  std::string name_;
  std::string bytes_;
  bio_ptr source_;
};

context_ptr new_context() {
  context_ptr result{SSL_CTX_new(TLS_method())};
  if (!result)
    throw bad_file{"TLS: " + last_reason()};
  auto* context = result.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION
                                   | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, chain_bytes_max);
  SSL_CTX_set_verify_depth(context, chain_depth_max);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  return result;
}

void use_certificate(SSL_CTX* context, const std::string& path) {
  pem_file file{"cluster-tls-cert", path};
  auto own = file.next();
  if (!own)
    file.refuse("holds no PEM certificate");
  if (SSL_CTX_use_certificate(context, own.get()) != 1)
    file.refuse("cannot be used (" + last_reason() + ')');
  while (auto between = file.next()) {
    if (SSL_CTX_add0_chain_cert(context, between.get()) != 1)
      file.refuse("cannot be used (" + last_reason() + ')');
    static_cast<void>(between.release()); // the context's from now on
  }
}

void use_key(SSL_CTX* context, const std::string& path) {
  pem_file file{"cluster-tls-key", path};
  auto key = file.key();
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1
      || SSL_CTX_check_private_key(context) != 1)
    file.refuse("is not the certificate's key (" + last_reason() + ')');
}

void use_authority(SSL_CTX* context, const std::string& path) {
  pem_file file{"cluster-tls-ca", path};
  auto* trusted = SSL_CTX_get_cert_store(context);
  std::size_t count = 0;
  while (auto authority = file.next()) {
    if (X509_STORE_add_cert(trusted, authority.get()) != 1)
      file.refuse("cannot be used (" + last_reason() + ')');
    ++count;
  }
  if (count == 0)
    file.refuse("holds no PEM certificate");
}

std::string_view text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

bool has_common_name(const X509* certificate, std::string_view name) {
  const auto* subject = X509_get_subject_name(certificate);
  auto at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  // Of several the one that counts would be a matter of taste.
  if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
    return false;
  return text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))
         == name;
}

bool is_named(const X509* certificate, std::string_view name) {
  if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0)
    return has_common_name(certificate, name);
  names_ptr names{static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* one = sk_GENERAL_NAME_value(names.get(), i);
    if (one->type == GEN_DNS && text_of(one->d.dNSName) == name)
      return true;
  }
  return false;
}

} // namespace

result<tls_context> tls_context::load(const tls_files& files) try {
  ERR_clear_error();
  auto context = new_context();
  use_certificate(context.get(), files.certificate);
  use_key(context.get(), files.key);
  use_authority(context.get(), files.authority);
  return tls_context{
      std::shared_ptr<ssl_ctx_st>{context.release(), SSL_CTX_free}};
} catch (const bad_file& problem) {
  return error{errc::unavailable, problem.detail};
}

ssl_st* tls_context::new_session() const {
  auto* session = SSL_new(context_.get());
  if (session == nullptr)
    throw std::runtime_error{"TLS: " + last_reason()};
  return session;
}

bool tls_context::is_for(std::string_view name) const {
  return is_named(SSL_CTX_get0_certificate(context_.get()), name);
}

std::string tls_context::expires() const {
  bio_ptr out{BIO_new(BIO_s_mem())};
  const auto* own = SSL_CTX_get0_certificate(context_.get());
  if (!out || ASN1_TIME_print(out.get(), X509_get0_notAfter(own)) != 1)
    return {};
  char* text = nullptr;
  auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bool is_peer_named(const ssl_st* session, std::string_view name) {
  const auto* certificate = SSL_get0_peer_certificate(session);
  return certificate != nullptr && is_named(certificate, name);
}

std::string peer_problem(const ssl_st* session) {
  auto found = SSL_get_verify_result(session);
  return found == X509_V_OK ? "" : X509_verify_cert_error_string(found);
}

} // namespace panal
