#pragma once

// The connections of proven peers: each is given away as it is, or kept, with
// a pump between it and the socket that is given away in its place.

#include "actors/admitted_peer.hpp"
#include "actors/gate_counts.hpp"
#include "actors/gatekeeper_pump.hpp"
#include "actors/gatekeeper_session.hpp"
#include "actors/gatekeeper_warnings.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <unordered_set>

namespace panal {

class gatekeeper_links {
public:
  /// Is told which link was cut, since its peer sent what cannot be, and what
  /// that was.
  using handler = std::function<void(std::uint64_t link_id, std::string_view)>;

  /// @param message_bytes_max  of gatekeeper_config::link_message_bytes_max.
  gatekeeper_links(boost::asio::io_context& io, std::size_t message_bytes_max,
                   gate_counts& counts, gatekeeper_warnings& warnings);

  /// What CAF gets for the connection of an admitted peer; empty where that is
  /// gone already, or the process is out of descriptors.
  /// @param received  counts what comes over the connection, if it is kept.
  socket_handle take(gatekeeper_session& session, byte_meter received,
                     handler on_misframed);

  /// Closes every connection that is kept here.
  void close() noexcept;

private:
  boost::asio::io_context& io_;
  std::size_t message_bytes_max_;
  gate_counts& counts_;
  gatekeeper_warnings& warnings_;
  std::unordered_set<std::shared_ptr<gatekeeper_pump>> pumps_;
};

} // namespace panal
