#pragma once

// A node without its HTTP side: the store, the actors, the cluster port. Built
// and taken down in order by main; knows every part, so that the parts need
// not know one another. This header is free of CAF.

#include "actors/gateway.hpp"
#include "config/options.hpp"
#include "storage/clock.hpp"
#include "storage/errc.hpp"
#include "storage/node_conditions.hpp"
#include "storage/node_gate.hpp"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace panal {

class node {
public:
  /// Opens the data directory, loads it, and starts the actors.
  /// @param settings  outlives the node, as does `time`.
  /// Errors: those of opening the store (`storage_failed`, `storage_full`,
  /// `corrupt`), with words for the operator.
  static result<std::unique_ptr<node>> open(const options& settings,
                                            const clock& time);
  ~node();
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// A gateway for one HTTP loop, which it must not outlive.
  std::unique_ptr<gateway> make_gateway(boost::asio::io_context& loop);

  /// Whether the node serves reads and writes now. Lives as long as the node.
  const node_gate& gate() const noexcept;

  /// What is wrong with the node now. Lives as long as the node.
  const node_conditions& conditions() const noexcept;

  /// Opens the cluster port and starts to look for peers; does nothing on a
  /// node without a cluster port. Error: the port cannot be had.
  /// @param on_rejoin  called once, on another thread, when this node has given
  ///                   its identity up: stop it, and open it anew. Until then
  ///                   it refuses clients.
  /// @return "host:port" as it was bound; empty without a cluster port.
  result<std::string> join_cluster(std::function<void()> on_rejoin);

  /// Loads the files of the cluster port's TLS anew; without TLS it does
  /// nothing. Blocks for the reading. After join_cluster(), before stop().
  void reload();

  /// Leaves the cluster, stops the actors one after the other in the direction
  /// of the data's flow, and closes the store. Requests that are under way get
  /// `unavailable`. Blocks until all is done.
  void stop();

private:
  struct parts;
  explicit node(std::unique_ptr<parts> owned);

  std::unique_ptr<parts> parts_;
};

} // namespace panal
