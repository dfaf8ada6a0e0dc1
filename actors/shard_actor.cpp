#include "actors/shard_actor.hpp"

#include <utility>

namespace panal {

/// Answers every request that is still held: `unavailable`.
shard_state::~shard_state() {
  if (core)
    core->stop();
}

void shard_state::journal(change_batch_ptr batch, std::uint64_t epoch) {
  caf::anon_send(log, queued_batch{std::move(batch), epoch});
}

void shard_state::mark(std::uint64_t epoch, std::uint64_t hlc) {
  caf::anon_send(log, mark_atom_v, core->index(), epoch, hlc);
}

void shard_state::answer(std::vector<request_ptr> done) {
  deliver_all(std::move(done));
}

void shard_state::await_members(quorum_wait wait) {
  caf::anon_send(replicator, std::make_shared<quorum_wait>(std::move(wait)));
}

void shard_state::merged(const remote_done& part) {
  caf::anon_send(replicator, part);
}

void shard_state::reissued(reissue_report part) {
  caf::anon_send(replicator, std::make_shared<reissue_report>(std::move(part)));
}

void shard_state::want_line(std::uint64_t hlc) {
  caf::anon_send(replicator, line_atom_v, hlc);
}

void shard_state::listed(leaf_listing part) {
  caf::anon_send(replicator, std::make_shared<leaf_listing>(std::move(part)));
}

void shard_state::compared(leaf_difference part) {
  caf::anon_send(replicator,
                 std::make_shared<leaf_difference>(std::move(part)));
}

void shard_state::spread_clear(const clear_notice& what) {
  const caf::actor own{self};
  for (const auto& other : shards)
    if (other != own)
      caf::anon_send(other, clear_order{what, own});
}

void shard_state::wake(shard_task what, std::chrono::milliseconds pause) {
  if (pause == pause.zero())
    caf::anon_send(self, wake_atom_v, what);
  else
    self->delayed_send(self, pause, wake_atom_v, what);
}

caf::behavior shard_actor(caf::stateful_actor<shard_state>* self,
                          const shard_setup& setup, caf::actor journal) {
  auto& state = self->state;
  state.self = self;
  state.log = std::move(journal);
  state.shards = {caf::actor{self}};
  state.core = std::make_unique<shard>(setup.config, setup.keys, state);
  auto* const core = state.core.get();
  self->set_default_handler(caf::drop);
  self->set_exit_handler([=](caf::exit_msg& stop) {
    // The shards know one another: without this they would keep each other.
    self->state.shards.clear();
    self->quit(std::move(stop.reason));
  });
  return {
      [=](const operation_batch_ptr& batch) {
        core->apply(std::exchange(batch->requests, {}));
      },
      [=](const remote_changes_ptr& part) { core->merge(*part); },
      [=](const commit_note_ptr& result) { core->committed(*result); },
      [=](wake_atom, shard_task what) { core->run(what); },
      [=](mark_atom, std::uint64_t hlc) { core->mark(hlc); },
      [=](line_atom, std::uint64_t line, std::uint64_t upto) {
        core->set_line(line, upto);
      },
      [=](const clear_order& order) {
        core->take_clear(order.what);
        caf::anon_send(order.from, clear_atom_v, order.what.token);
      },
      [=](clear_atom, std::uint64_t token) { core->clear_taken(token); },
      [=](const leaf_query_ptr& query) { core->list(*query); },
      [=](const leaf_comparison_ptr& with) { core->compare(*with); },
      [=](const repair_changes_ptr& with) { core->reconcile(*with); },
      [=](const reissue_batch_ptr& batch) {
        core->reissue_all(batch->writes, batch->restamp_upto);
      },
      [=](const damage_found_ptr& found) { core->rewrite(found->rows); },
      [=](start_atom) { core->start(); },
      [=](feed_atom, const caf::actor& replicator) {
        self->state.replicator = replicator;
      },
      [=](feed_atom, std::vector<caf::actor>& shards) {
        self->state.shards = std::move(shards);
      },
  };
}

} // namespace panal
