#pragma once

// A cluster of real nodes over a network that can fail, and the hand that
// brings faults over it and takes them away again.

#include "tests/support/node.hpp"
#include "tests/support/offset_clock.hpp"
#include "tests/torture/fault.hpp"
#include "tests/torture/network.hpp"

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <vector>

namespace panal::torture {

struct arena_setup {
  std::size_t nodes = 3;
  std::uint64_t seed = 0;
  /// Further flags for every node.
  std::vector<std::string> more;
};

/// Main thread only: the kernel ties a node's life to the thread that starts
/// it.
class arena {
public:
  /// Starts the nodes and waits until all see one another. Throws
  /// std::runtime_error when that fails.
  explicit arena(const arena_setup& setup);

  void begin(const fault& what);
  void end(const fault& what);
  /// Takes away whatever is wrong, and waits until all nodes serve. Throws
  /// std::runtime_error, with its log, if one does not, or has ended by
  /// itself.
  void heal();

  std::size_t size() const { return nodes_.size(); }
  test::node& operator[](std::size_t i) { return nodes_[i]; }
  const test::node& operator[](std::size_t i) const { return nodes_[i]; }
  network& net() { return net_; }
  std::vector<endpoint> http() const;
  /// Waits until every node's log says that all others are up.
  bool connected(milliseconds limit);
  /// Copies all nodes' logs into `folder`.
  void keep_logs(const std::filesystem::path& folder) const;
  /// Of one node, until restore_disk().
  void fill_disk(std::size_t node, std::uint64_t file_bytes_max);
  void restore_disk(std::size_t node);

private:
  void apply_links();
  link_rule rule_for(std::size_t from, std::size_t to) const;
  void cut_sides(const fault& what);
  void end_of_node(const fault& what);

  test::temp_dir own_;
  network net_;
  std::vector<std::unique_ptr<test::clock_offset>> clocks_;
  std::deque<test::node> nodes_;
  /// Under way.
  std::list<fault> faults_;
};

} // namespace panal::torture
