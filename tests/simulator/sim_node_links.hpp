#pragma once

// A simulated node's links: the link book of real nodes, and in the place of
// the membership actor what moves messages around it.

#include "cluster/link_book.hpp"
#include "tests/simulator/sim_node_parts.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace panal::sim {

class sim_node::links_part final : public link_port {
public:
  links_part(sim_node& node, member self, const std::vector<member>& known);

  link_book& book() noexcept { return *book_; }
  const link_book& book() const noexcept { return *book_; }
  steady_time now() const { return node_.now().steady; }

  /// As the replicator knows it: the link to a peer, 0 if there is none.
  std::uint64_t link_to(origin_id peer) const;

  // -- link_port
  void dial(const std::string& address) override;
  void adopt(std::uint64_t link_id, bool dialled) override;
  void close(std::uint64_t link_id) override;
  void refuse_copy(origin_id who, std::uint64_t run) override;
  void send(std::uint64_t link_id, std::string bytes) override;
  void save(const member& who) override;
  void ask_seen(origin_id who) override;
  void tell_members(std::vector<member> all) override;
  void tell_up(const member& who, std::uint64_t run,
               std::uint64_t link_id) override;
  void tell_down(const member& who) override;
  void tell_copied() override;
  void tell_forgotten(std::uint64_t seen_hlc, bool by_another_name) override;
  void note(link_event what, const member& who,
            std::string_view detail) override;

private:
  void judge_up(const member& who) const;

  sim_node& node_;
  std::unique_ptr<link_book> book_;
  /// The replicator's.
  std::map<origin_id, std::uint64_t> up_;
};

} // namespace panal::sim
