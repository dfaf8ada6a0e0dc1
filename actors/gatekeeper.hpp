#pragma once

// The keeper of the cluster port. CAF trusts whoever reaches it, so it neither
// listens nor dials: the gatekeeper does, on a thread of its own, proves the
// peer by cluster/handshake.hpp, and only then gives the connected socket
// away. A stranger costs one of `pending_max` places until its deadline, no
// more; of two nodes only the one with the smaller origin keeps its dialled
// connection, and the other one learns whom to dial.

#include "actors/admitted_peer.hpp"
#include "cluster/handshake.hpp"
#include "storage/errc.hpp"
#include "storage/store.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace panal {

struct gatekeeper_config {
  std::string host = "127.0.0.1";
  /// 0 lets the system choose.
  std::uint16_t port = 0;
  /// This node. An empty address becomes host and bound port.
  member self;
  /// The cluster's secret; empty: none.
  std::string secret;
  /// From the accept, or the connection, to the handshake's end.
  std::chrono::milliseconds handshake_timeout{3'000};
  /// From the call to the connection, looking the name up included.
  std::chrono::milliseconds dial_timeout{3'000};
  /// Accepted connections that have not proven themselves yet; one more
  /// closes the oldest of them.
  std::size_t pending_max = 64;
  /// How long accepting rests where the process is out of descriptors.
  std::chrono::milliseconds accept_pause{100};
  std::uint16_t protocol = cluster_protocol;
};

class gatekeeper {
public:
  /// All are called on the gatekeeper's thread and have to return soon; none
  /// is called after stop() has returned.
  struct callbacks {
    std::function<void(admitted_peer)> on_admitted = [](auto&&) {};
    /// The peer is proven but there is no connection: either this node has
    /// the smaller origin and is the one to dial, or it has dialled and is
    /// going to be dialled.
    /// `dialled` is what this node dialled; empty if the peer did.
    std::function<void(const member&, const std::string& dialled)>
        on_introduced = [](auto&&, auto&&) {};
    std::function<void(const std::string& address, dial_failure)>
        on_dial_failed = [](auto&&, auto) {};
  };

  explicit gatekeeper(gatekeeper_config config);
  gatekeeper(const gatekeeper&) = delete;
  gatekeeper& operator=(const gatekeeper&) = delete;
  ~gatekeeper();

  /// Binds, listens and starts the thread; once. Blocks while `host` is
  /// looked up.
  /// @returns the bound port; `unavailable` with words for the log where the
  /// port cannot be had or `self` is no valid member.
  result<std::uint16_t> start(callbacks on);

  /// Dials "host:port". Exactly one callback tells the end of it, unless
  /// stop() comes before. Ignored while the same address is being dialled.
  /// Thread-safe, returns at once.
  void dial(std::string address);

  /// Ends all dials and handshakes and the thread; closes every socket that
  /// was not given away. Waits for a running callback. May be called again,
  /// but not from a callback.
  void stop();

  /// This node as its peers learn of it. @pre start() has succeeded
  const member& self() const noexcept;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace panal
