// A node gives its identity up.

#include "tests/simulator/sim_node_parts.hpp"

#include <algorithm>
#include <utility>

namespace panal::sim {

void sim_node::rejoin(const rejoin_plan& plan) {
  around_.say(self().name + " rejoins: " + std::string{plan.reason});
  around_.judge_rejoin(index_, plan.reason);
  if (plan.keeps_all)
    around_.judge_giving_way(index_, plan.identity);
  post(replicator, journal_part, [this, plan] {
    if (reborn_)
      return;
    const auto before = disk_.knows;
    const auto old_origin = disk_.origin();
    auto done = journal_->owed().settle_members(disk_);
    if (done)
      done = panal::rejoin(disk_, plan, around_.fresh_origin(), self());
    if (!done)
      return post(journal_part, journal_part, [this, plan] {
        // The disk refuses: again a little later.
        auto& world = around_.around;
        world.at(world.now() + 300 * millisecond, life_,
                 [this, plan] { rejoin(plan); });
      });
    reborn_ = true;
    journal_->owed().clear();
    op_set kept;
    for (const auto& write : *disk_.reissues()) {
      knowledge of;
      learn(of, write.entry);
      kept |= of.seen;
    }
    disk_.knows = {};
    static_cast<void>(
        disk_.load([&](std::string_view, std::string_view entry, position) {
          learn(disk_.knows.clears, entry);
        }));
    // Of what it has deleted without a trace it knows nothing now.
    const auto traceless = before.seen() & around_.ops.traceless();
    for (op_id op = 0; op < around_.ops.size(); ++op)
      if (traceless[op])
        around_.ops.lapse(op);
    if (plan.keeps_all)
      around_.note_rebirth(before.seen());
    else
      around_.excuse_rebirth(index_, before.seen(), kept, old_origin);
    around_.restart(index_);
  });
}

} // namespace panal::sim
