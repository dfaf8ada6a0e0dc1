#include "actors/gatekeeper_tls.hpp"

#include "logging/log.hpp"

#include <utility>

namespace panal {

gatekeeper_tls::gatekeeper_tls(tls_files files, std::string name)
    : files_{std::move(files)}, name_{std::move(name)} {
  // nop
}

result<void> gatekeeper_tls::load() {
  if (files_.empty())
    return {};
  auto loaded = tls_context::load(files_);
  if (!loaded)
    return loaded.error();
  if (!loaded->is_for(name_))
    log::warning("cluster_tls_name",
                 {{"name", name_},
                  {"detail", "peers will refuse this node: its certificate is "
                             "not for its name"}});
  log::info("cluster_tls_loaded", {{"expires", loaded->expires()}});
  std::lock_guard guard{mutex_};
  current_ = std::move(*loaded);
  return {};
}

std::optional<tls_context> gatekeeper_tls::current() const {
  std::lock_guard guard{mutex_};
  return current_;
}

} // namespace panal
