// The way from a node's other parts to its shards.

#include "storage/key_hash.hpp"
#include "tests/simulator/sim_node_parts.hpp"

#include <utility>

namespace panal::sim {

namespace {

using namespace std::chrono_literals;

/// How long a write waits for members at most.
constexpr auto quorum_patience = 2'000ms;

/// Writes that are issued anew at a time: fewer than there often are.
constexpr std::size_t reissues_at_once = 3;

} // namespace

template <class F>
void sim_node::to_shard(unsigned from, std::size_t index, F what) {
  auto* const part = shards_[index].get();
  post(from, first_shard + static_cast<unsigned>(index),
       [part, what = std::move(what)]() mutable { what(*part); });
}

// As the gateway does it.
void sim_node::ask(operation op, unsigned key, reply_to to) {
  const auto index = op.what == verb::clear
                         ? clearing_shard
                         : shard_of(key_hash(op.key), shards_.size());
  auto item = std::make_unique<sim_request>(std::move(op), key, std::move(to));
  to_shard(membership_part, index,
           [item = std::move(item)](sim_shard& part) mutable {
             part.ask(std::move(item));
           });
}

void sim_node::await(unsigned from, quorum_wait wait) {
  const auto ticket = ++next_ticket_;
  const auto at = wait.at;
  const auto wanted = wait.wanted;
  quorums_.emplace(ticket, std::move(wait));
  post(from, replicator, [this, ticket, at, wanted] {
    core_->await(ticket, at, wanted, now().steady + quorum_patience, now());
  });
}

void sim_node::answer(std::uint64_t ticket, std::size_t members_reached,
                      bool in_time) {
  const auto i = quorums_.find(ticket);
  if (i == quorums_.end())
    return;
  auto& item = static_cast<sim_request&>(*i->second.what);
  item.reply.members_reached = static_cast<std::uint32_t>(members_reached);
  item.reply.members = static_cast<std::uint32_t>(core_->members());
  if (in_time)
    item.reply.reached = i->second.wanted;
  item.to({item.reply, item.made});
  quorums_.erase(i);
}

void sim_node::merge(std::size_t index, remote_changes part) {
  to_shard(replicator, index,
           [part = std::move(part)](sim_shard& to) { to.core.merge(part); });
}

void sim_node::mark(std::uint64_t hlc) {
  for (std::size_t i = 0; i < shards_.size(); ++i)
    to_shard(replicator, i, [hlc](sim_shard& to) { to.core.mark(hlc); });
}

void sim_node::set_line(std::uint64_t line, std::uint64_t collect_upto) {
  line_ = line;
  for (std::size_t i = 0; i < shards_.size(); ++i)
    to_shard(replicator, i, [line, collect_upto](sim_shard& to) {
      to.core.set_line(line, collect_upto);
    });
}

// -- rounds through all shards ------------------------------------------------

void sim_node::list(std::uint64_t token, std::vector<std::uint32_t> leaves) {
  rounds_.list(token, std::move(leaves), now().steady);
}

void sim_node::compare(leaf_comparison with) {
  rounds_.compare(std::move(with), now().steady);
}

void sim_node::reconcile(repair_changes with) {
  rounds_.reconcile(std::move(with));
}

void sim_node::list(std::size_t index, std::shared_ptr<const leaf_query> what) {
  to_shard(replicator, index,
           [what = std::move(what)](sim_shard& to) { to.core.list(*what); });
}

void sim_node::compare(std::size_t index,
                       std::shared_ptr<const leaf_comparison> what) {
  to_shard(replicator, index,
           [what = std::move(what)](sim_shard& to) { to.core.compare(*what); });
}

void sim_node::reconcile(std::size_t index, repair_changes part) {
  to_shard(replicator, index, [this, part = std::move(part)](sim_shard& to) {
    has_dropped_ = true;
    to.core.reconcile(part);
  });
}

void sim_node::listing_came(leaf_listing part) {
  const auto token = part.token;
  if (auto whole = rounds_.listed(std::move(part)))
    core_->listed(token, std::move(*whole), now());
}

void sim_node::difference_came(leaf_difference part) {
  if (auto whole = rounds_.compared(std::move(part)))
    core_->compared(whole->token, std::move(whole->entries), whole->more,
                    now());
}

// -- writes issued anew -------------------------------------------------------

void sim_node::reissue_some(std::uint64_t restamp_upto,
                            const std::string& after) {
  post(replicator, journal_part, [this, restamp_upto, after] {
    if (!disk_.is_readable())
      return post(journal_part, replicator, [this] {
        core_->reissued({0, 0, true, false, {}});
      });
    auto writes = *disk_.reissues(after, {reissues_at_once, ~std::size_t{0}});
    post(journal_part, replicator, [this, writes, restamp_upto] {
      if (writes.empty())
        return core_->reissued({0, 0, false, true, {}});
      last_reissue_ = writes.back().key;
      rounds_.reissue_all(writes, restamp_upto);
    });
  });
}

void sim_node::reissue_in(std::size_t index, std::vector<reissue> part,
                          std::uint64_t restamp_upto) {
  to_shard(replicator, index,
           [part = std::move(part), restamp_upto](sim_shard& to) {
             to.core.reissue_all(part, restamp_upto);
           });
}

void sim_node::reissue_done(const reissue_report& part) {
  post(replicator, journal_part, [this, keys = part.keys] {
    if (reborn_)
      return;
    for (const auto& key : keys)
      journal_->owed().owe_removal(key);
    tell(care_->settle(now().steady));
  });
  if (const auto whole = rounds_.reissued(part))
    core_->reissued(
        {whole->issued, whole->refused, whole->left, false, last_reissue_});
}

} // namespace panal::sim
