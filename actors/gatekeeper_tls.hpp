#pragma once

// The gatekeeper's certificates: loaded at the start and again at a word,
// while connections go on with what they were made from.

#include "cluster/tls.hpp"

#include <mutex>
#include <optional>
#include <string>

namespace panal {

/// Thread-safe.
class gatekeeper_tls {
public:
  /// @param files  none: there is no TLS, and load() does nothing.
  /// @param name   this node's, which its certificate should be for.
  gatekeeper_tls(tls_files files, std::string name);

  /// Takes what the files hold now, and logs until when it is good. On an
  /// error (as tls_context::load) what was there stays. Blocks.
  result<void> load();

  /// What connections are to be made from; nothing: in clear.
  std::optional<tls_context> current() const;

private:
  const tls_files files_;
  const std::string name_;
  mutable std::mutex mutex_;
  std::optional<tls_context> current_;
};

} // namespace panal
