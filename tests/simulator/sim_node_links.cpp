#include "tests/simulator/sim_node_links.hpp"

#include <utility>

namespace panal::sim {

namespace {

using namespace std::chrono_literals;

/// A world is short: what takes long in a real one takes less of it.
link_config short_waits() {
  link_config config;
  config.copy_patience = 3'000ms;
  config.penalty_max = 8'000ms;
  config.penalty_forgiven = 20'000ms;
  return config;
}

} // namespace

sim_node::links_part::links_part(sim_node& node, member self,
                                 const std::vector<member>& known)
    : node_{node},
      book_{std::make_unique<link_book>(
          short_waits(),
          std::make_unique<membership>(std::move(self), known,
                                       std::vector<std::string>{"m0:1", "m1:1"},
                                       node.around_.around.random()),
          node.run_, *this)} {
  // nop
}

std::uint64_t sim_node::links_part::link_to(origin_id peer) const {
  const auto i = up_.find(peer);
  return i == up_.end() ? 0 : i->second;
}

void sim_node::links_part::dial(const std::string& address) {
  node_.around_.dial(node_.index_, address);
}

void sim_node::links_part::adopt(std::uint64_t link_id, bool) {
  node_.around_.adopt(node_.index_, link_id);
}

void sim_node::links_part::close(std::uint64_t link_id) {
  node_.around_.close(link_id);
}

void sim_node::links_part::refuse_copy(origin_id who, std::uint64_t run) {
  node_.around_.refuse_copy(node_.index_, who, run);
}

void sim_node::links_part::send(std::uint64_t link_id, std::string bytes) {
  node_.around_.send(node_.index_, link_id, std::move(bytes));
}

void sim_node::links_part::save(const member& who) {
  node_.save_member(who);
}

void sim_node::links_part::ask_seen(origin_id who) {
  node_.post(membership_part, replicator, [this, who] {
    node_.post(replicator, membership_part,
               [this, who, seen = node_.core_->seen_of(who)] {
                 book_->forget(who, seen, now());
               });
  });
}

void sim_node::links_part::tell_members(std::vector<member> all) {
  node_.post(membership_part, replicator,
             [&node = node_, all = std::move(all)] {
               node.core_->members_changed(all);
             });
}

void sim_node::links_part::tell_up(const member& who, std::uint64_t run,
                                   std::uint64_t link_id) {
  judge_up(who);
  node_.post(membership_part, replicator, [this, who, run, link_id] {
    up_[who.origin] = link_id;
    node_.core_->link_up(who, run, node_.now());
  });
}

/// After a restart the node must know from its disk whom it has merged from.
void sim_node::links_part::judge_up(const member& who) const {
  const auto known = *node_.disk_.members();
  const bool is_known = std::ranges::any_of(known, [&](const member& x) {
    return x.origin == who.origin && x.forgotten == 0;
  });
  if (!is_known && !node_.reborn_)
    node_.around_.violated("link: " + node_.self().name + " opens one to "
                           + who.name + ", which its disk does not know");
}

void sim_node::links_part::tell_down(const member& who) {
  node_.post(membership_part, replicator, [this, who = who.origin] {
    up_.erase(who);
    node_.core_->link_down(who, node_.now());
  });
}

void sim_node::links_part::tell_copied() {
  node_.post(membership_part, replicator,
             [&node = node_] { node.core_->is_copy(); });
}

void sim_node::links_part::tell_forgotten(std::uint64_t seen_hlc,
                                          bool by_another_name) {
  node_.post(membership_part, replicator,
             [&node = node_, seen_hlc, by_another_name] {
               node.core_->was_forgotten(seen_hlc, by_another_name);
             });
}

void sim_node::links_part::note(link_event what, const member& who,
                                std::string_view detail) {
  if (!node_.around_.is_verbose())
    return;
  static constexpr const char* names[] = {" is linked to ", " loses ",
                                          " gets no frame from ",
                                          " finds a copy of ", " forgets "};
  node_.around_.say(node_.self().name + names[static_cast<int>(what)] + who.name
                    + ' ' + std::string{detail});
}

sim_node::~sim_node() = default;

const member& sim_node::self() const noexcept {
  return links_->book().roster().self();
}

void sim_node::make_links(member self, const std::vector<member>& known) {
  links_ = std::make_unique<links_part>(*this, std::move(self), known);
  links_->book().start();
}

void sim_node::admitted(const member& who, std::uint64_t run, std::uint64_t id,
                        const std::string& dialled) {
  links_->book().admitted(id, {who, run, dialled}, now().steady);
}

void sim_node::introduced(const member& who, std::uint64_t run,
                          const std::string& dialled) {
  links_->book().introduced({who, run, dialled}, now().steady);
}

void sim_node::dial_failed(const std::string& address) {
  links_->book().dial_failed(address, false, now().steady);
}

void sim_node::told_copied(const member& by, std::uint64_t run) {
  links_->book().called_copy(by, run);
}

void sim_node::greeted(std::uint64_t id) {
  links_->book().greeted(id, now().steady);
}

void sim_node::link_gone(std::uint64_t id) {
  links_->book().cut(id, "connection lost", false, now().steady);
}

void sim_node::frame_came(std::uint64_t id, const std::string& bytes) {
  const auto peer = links_->book().frame_came(id, bytes, now().steady);
  if (!peer)
    return;
  post(membership_part, replicator, [this, id, peer = *peer, bytes] {
    if (links_->link_to(peer) == id)
      core_->frame_came(peer, bytes, now());
  });
}

void sim_node::forget(const std::string& name) {
  if (const auto who = links_->book().may_forget(name))
    links_->ask_seen(*who);
}

void sim_node::beat() {
  // Else there is no part that would look for peers, or draw a line.
  if (options_.is_clustered) {
    for (const auto id : around_.moving_links(index_))
      links_->book().heard(id, now().steady);
    links_->book().beat(now().steady);
    post(membership_part, replicator, [this] {
      was_unsafe_ = core_->clock() == clock_state::unsafe;
      core_->tick(now());
    });
  }
  auto& world = around_.around;
  world.at(world.now() + beat_pause + world.random.between(0, millisecond),
           life_, [this] { beat(); });
}

void sim_node::send(origin_id peer, std::string bytes) {
  if (const auto id = links_->link_to(peer); id != 0)
    around_.send(index_, id, std::move(bytes));
}

void sim_node::cut(origin_id peer, std::string_view why, bool faulty) {
  post(replicator, membership_part,
       [this, id = links_->link_to(peer), why = std::string{why}, faulty] {
         links_->book().cut(id, why, faulty, now().steady);
       });
}

} // namespace panal::sim
