#include "actors/gatekeeper_links.hpp"

#include <optional>
#include <utility>

namespace panal {

gatekeeper_links::gatekeeper_links(boost::asio::io_context& io,
                                   std::size_t message_bytes_max,
                                   gate_counts& counts,
                                   gatekeeper_warnings& warnings)
    : io_{io},
      message_bytes_max_{message_bytes_max},
      counts_{counts},
      warnings_{warnings} {}

socket_handle gatekeeper_links::take(gatekeeper_session& session,
                                     byte_meter received,
                                     handler on_misframed) {
  auto line = session.line();
  if (!line->prepare())
    return {};
  const auto limit = message_bytes_max_;
  if (!line->is_tls() && limit == 0)
    return line->release();
  auto guard = limit == 0 ? std::nullopt : std::optional{basp_guard{limit}};
  auto pump = std::make_shared<gatekeeper_pump>(io_, std::move(line), guard,
                                                std::move(received));
  auto local = pump->start([this, remote = session.remote(),
                            id = session.talk().link_id(),
                            on_misframed = std::move(on_misframed)](auto& who) {
    if (const auto wrong = who.wrong(); !wrong.empty()) {
      ++counts_.misframed;
      warnings_.warn(gate_warning::misframed, remote, wrong);
      on_misframed(id, wrong);
    }
    pumps_.erase(who.shared_from_this());
  });
  if (local)
    pumps_.insert(std::move(pump));
  return local;
}

void gatekeeper_links::close() noexcept {
  for (const auto& pump : pumps_)
    pump->close();
  pumps_.clear();
}

} // namespace panal
