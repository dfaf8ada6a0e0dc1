#pragma once

// The keeper of the cluster port. CAF trusts whoever reaches it, so it neither
// listens nor dials: the gatekeeper does, on a thread of its own, proves the
// peer by cluster/handshake.hpp, and only then gives the connected socket
// away. A stranger costs one of `pending_max` places until its deadline, no
// more; of two nodes only the one with the smaller origin keeps its dialled
// connection, and the other one learns whom to dial.
//
// With TLS the handshake runs within it, the peer's name must be its
// certificate's, and the gatekeeper keeps the connection: what it gives away
// is a local socket, whose bytes it carries to and fro. A node with TLS never
// talks in clear, and the other way round.

#include "actors/admitted_peer.hpp"
#include "actors/gate_counts.hpp"
#include "cluster/handshake.hpp"
#include "cluster/tls.hpp"
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
  /// Peers of a cluster of another name are refused.
  std::string cluster_name = "panal";
  /// The files of mutual TLS; empty: in clear.
  tls_files tls;
  /// The identity of this process run; 0: one is drawn.
  std::uint64_t run = 0;
  /// From the accept, or the connection, to the handshake's end, that of TLS
  /// included.
  std::chrono::milliseconds handshake_timeout{3'000};
  /// From the call to the connection, looking the name up included.
  std::chrono::milliseconds dial_timeout{3'000};
  /// Accepted connections that have not proven themselves yet; one more
  /// closes the oldest of them.
  std::size_t pending_max = 64;
  /// How long accepting rests where the process is out of descriptors.
  std::chrono::milliseconds accept_pause{100};
  std::uint16_t protocol = cluster_protocol;
  /// What comes over links is followed: one whose headers (of CAF) announce
  /// more than this is cut. 0: links are not looked into.
  std::size_t link_message_bytes_max = 0;
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
    /// `run` is the peer's, `dialled` what this node dialled; empty if the
    /// peer did.
    std::function<void(const member&, std::uint64_t run,
                       const std::string& dialled)>
        on_introduced = [](auto&&, auto, auto&&) {};
    std::function<void(const std::string& address, dial_failure)>
        on_dial_failed = [](auto&&, auto) {};
    /// This node cannot go on under its identity, as a proven peer has shown:
    /// it refused this node's dial as `forgotten` or `copied` (then
    /// on_dial_failed follows), or it has the same origin in another run
    /// (`copied`, on both sides, whoever dialled).
    std::function<void(const member& peer, std::uint64_t run, verdict)>
        on_refused = [](auto&&, auto, auto) {};
    /// A link was cut, since its peer sent what cannot be.
    std::function<void(std::uint64_t link_id, std::string_view why)>
        on_misframed = [](auto, auto) {};
  };

  explicit gatekeeper(gatekeeper_config config);
  gatekeeper(const gatekeeper&) = delete;
  gatekeeper& operator=(const gatekeeper&) = delete;
  ~gatekeeper();

  /// Binds, listens and starts the thread; once. Blocks while `host` is
  /// looked up.
  /// @returns the bound port; `unavailable` with words for the log where the
  /// port cannot be had, a file of TLS is no good, or `self` is no valid
  /// member.
  result<std::uint16_t> start(callbacks on);

  /// Dials "host:port". Exactly one callback tells the end of it, unless
  /// stop() comes before. Ignored while the same address is being dialled.
  /// Thread-safe, returns at once.
  void dial(std::string address);

  /// Answers every handshake with that run of `origin`, 0 for any run, by
  /// `why` instead of admitting or introducing it; as dialler, goes no further
  /// itself. Connections that stand are not touched. The last 1,024 count.
  /// Thread-safe. @pre `why` is forgotten or copied
  void refuse(origin_id origin, std::uint64_t run, verdict why);

  /// Takes back all that refuse() has said about `origin`. Thread-safe.
  void allow(origin_id origin);

  /// Loads the files of TLS anew, for the connections to come; those that
  /// stand stay. Logs what has come of it; on an error the old ones stay.
  /// Without TLS it does nothing. Blocks for the reading; thread-safe.
  result<void> reload();

  /// What has happened so far; lives as long as the gatekeeper. Thread-safe.
  const gate_counts& counts() const noexcept;

  /// Ends all dials and handshakes and the thread; closes every socket that
  /// was not given away, and with TLS every connection. Waits for a running
  /// callback. May be called again, but not from a callback.
  void stop();

  /// This node as its peers learn of it. @pre start() has succeeded
  const member& self() const noexcept;

  /// The identity of this process run as its peers learn of it.
  std::uint64_t run() const noexcept;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace panal
