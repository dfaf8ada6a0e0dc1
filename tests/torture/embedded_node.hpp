#pragma once

// A node inside the test's process, written to through its gateway: what
// replication can do, without the price of HTTP requests beside it.

#include "actors/node.hpp"
#include "config/options.hpp"
#include "storage/clock.hpp"

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace panal::torture {

class embedded_node {
public:
  /// Opens the node, joins the cluster, and waits until it serves. Throws
  /// std::runtime_error if it does not within ten seconds.
  /// @param flags  as on the command line; --data-dir and --cluster-port
  ///   among them.
  explicit embedded_node(const std::vector<std::string>& flags);
  ~embedded_node();
  embedded_node(const embedded_node&) = delete;
  embedded_node& operator=(const embedded_node&) = delete;

  /// Puts `count` values of 60 letters at "<prefix>0" and on, and waits for all
  /// answers. Any thread, also while others write.
  /// @param rate  writes a second; 0: as many as the node takes.
  /// @return how many were accepted.
  std::size_t put_many(const std::string& prefix, std::size_t count,
                       std::int64_t version, std::size_t rate = 0);

private:
  void shut_down();

  options settings_;
  system_clock time_;
  std::unique_ptr<node> node_;
  boost::asio::io_context loop_{1};
  std::unique_ptr<gateway> gateway_;
  std::thread thread_;
};

} // namespace panal::torture
