// A node gives its identity up, and issues its unseen writes anew.

#include "storage/key_hash.hpp"
#include "tests/simulator/sim_node_parts.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

void sim_node::reissue_all() {
  post(replicator, journal_part, [this] {
    auto writes = std::make_shared<std::vector<reissue>>(*disk_.reissues());
    post(journal_part, replicator, [this, writes] {
      std::vector<std::vector<reissue>> parts(shards_.size());
      for (const auto& write : *writes)
        parts[shard_of(key_hash(write.key), parts.size())].push_back(write);
      reissue_parts_ = shards_.size();
      reissue_refused_ = 0;
      for (std::size_t i = 0; i < parts.size(); ++i)
        post(replicator, first_shard + static_cast<unsigned>(i),
             [this, i, part = parts[i]] { reissue_in(i, part); });
    });
  });
}

void sim_node::reissue_in(std::size_t index, std::vector<reissue> writes) {
  auto& part = shards_[index];
  held item;
  std::vector<op_id> issued;
  for (const auto& write : writes) {
    const auto old = decode(write.entry);
    if (around_.ops.is_full())
      break;
    const auto key = static_cast<unsigned>(write.key.at(1) - '0');
    const auto past = part.mem.seen & around_.ops.about(key);
    const auto out = part.keys->reissue(write.key, *old);
    const auto floor = hand_to_journal(index);
    const auto before = old->frontier.empty()
                            ? around_.ops.find(old->floor)
                            : around_.ops.find(old->frontier.front().at);
    const bool is_new = out.reply.code == errc::ok && out.reply.at != stamp{};
    around_.say(self().name + " issues " + write.key + " anew, floor "
                + std::to_string(old->floor.hlc) + " puts "
                + std::to_string(old->frontier.size()) + ": "
                + std::string{to_string(out.reply.code)});
    if (is_new) {
      accepted made;
      made.key = key;
      made.name = out.reply.at;
      made.past = past;
      made.what = old->frontier.empty() ? deed::remove : deed::put;
      made.kills = true; // it may have come upon something expired
      if (made.what == deed::put) {
        made.version = old->frontier.front().version;
        made.expires_at = old->frontier.front().expires_at;
        made.value = old->frontier.front().value;
      }
      const auto again = around_.ops.add(made);
      if (again) {
        if (before)
          around_.ops.reissued(*before, *again);
        issued.push_back(*again);
        if (floor != stamp{} && !around_.ops.find(floor))
          around_.ops.also_named(floor, *again);
        stage(index, out.after, around_.ops.knows(*again));
      }
    } else if (before && !old->frontier.empty()
               && (out.reply.code == errc::stale_version
                   || out.reply.code == errc::not_found)) {
      around_.ops.withdraw(*before);
    } else if (before && out.reply.code != errc::ok) {
      around_.ops.lapse(*before);
      if (!old->frontier.empty()
          && old->frontier.front().at.hlc > part.keys->line())
        stage(index, part.keys->last_number(), around_.ops.knows(*before));
    }
    // An old delete above the line stands for itself.
    if (const auto op = around_.ops.find(old->floor);
        op && old->floor.hlc > part.keys->line())
      stage(index, part.keys->last_number(), around_.ops.knows(*op));
    item.after = std::max(item.after, out.after);
  }
  item.then = [this, writes, issued](bool durable) {
    for (const auto op : issued)
      if (durable)
        around_.ops.promise(op);
    if (durable)
      for (const auto& write : writes)
        static_cast<void>(disk_.remove_reissue(write.key));
    post(first_shard, replicator, [this, durable, n = writes.size()] {
      reissue_refused_ += durable ? 0 : n + 1;
      if (--reissue_parts_ == 0)
        core_->reissued(n, 0, reissue_refused_ > 0);
    });
  };
  hold(index, std::move(item));
}

void sim_node::rejoin(const rejoin_plan& plan) {
  around_.say(self().name + " rejoins: " + std::string{plan.reason});
  post(replicator, journal_part, [this, plan] {
    if (reborn_)
      return;
    const auto before = disk_.knows;
    const auto old_origin = disk_.origin();
    const auto done =
        panal::rejoin(disk_, plan, around_.fresh_origin(), self());
    if (!done)
      return post(journal_part, journal_part, [this, plan] {
        // The disk refuses: again a little later.
        auto& world = around_.around;
        world.at(world.now() + 300 * millisecond, life_,
                 [this, plan] { rejoin(plan); });
      });
    reborn_ = true;
    op_set kept;
    for (const auto& write : *disk_.reissues()) {
      knowledge of;
      learn(of, write.entry);
      kept |= of.seen;
    }
    disk_.knows = {};
    static_cast<void>(
        disk_.load([&](std::string_view, std::string_view entry, position) {
          for (auto& of : disk_.knows.of)
            learn(of, entry);
        }));
    around_.excuse_rebirth(index_, before.seen(), kept, old_origin);
    around_.restart(index_);
  });
}

} // namespace panal::sim
