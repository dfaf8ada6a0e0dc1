// In the place of a node's membership actor: its links and its heartbeat.

#include "tests/simulator/sim_node_parts.hpp"

#include <utility>

namespace panal::sim {

namespace {

using namespace std::chrono_literals;

constexpr auto silence_max = 2'000ms;
constexpr auto farewell_length = 800ms;
constexpr auto copy_patience = 3'000ms;
constexpr auto doubtful_silence = 900ms;

} // namespace

std::uint64_t sim_node::link_of(origin_id who) const {
  for (const auto& [id, peer] : links_)
    if (peer.who.origin == who)
      return id;
  return 0;
}

bool sim_node::is_second_claim(const member& who, std::uint64_t run) {
  const auto id = link_of(who.origin);
  if (id == 0 || links_.at(id).run == run)
    return false;
  const auto time = now().steady;
  const auto since = claims_.try_emplace({who.origin, run}, time).first->second;
  if (time - links_.at(id).heard_at > doubtful_silence)
    cut_link(id, false);
  else if (time - since > copy_patience)
    around_.refuse_copy(index_, who.origin, run);
  return true;
}

void sim_node::admitted(const member& who, std::uint64_t run, std::uint64_t id,
                        const std::string& dialled) {
  if (!dialled.empty())
    roster_->dial_ended(dialled, now().steady);
  if (is_second_claim(who, run))
    return around_.close(id);
  learn_member(who, dialled);
  if (const auto old = link_of(who.origin); old != 0) {
    if (now().steady - links_.at(old).heard_at > doubtful_silence)
      cut_link(old, false);
    return around_.close(id);
  }
  const bool farewell = roster_->is_forgotten(who.origin);
  links_[id] = {who, run, now().steady, farewell};
  around_.send(index_, id, encode(members_frame{roster_->all()}));
  if (farewell)
    return;
  roster_->link_up(who.origin);
  post(membership_part, replicator,
       [this, who, run] { core_->link_up(who, run, now()); });
}

void sim_node::introduced(const member& who, std::uint64_t run,
                          const std::string& dialled) {
  if (!dialled.empty())
    roster_->dial_ended(dialled, now().steady);
  if (is_second_claim(who, run))
    return;
  if (roster_->is_forgotten(who.origin))
    return around_.dial(index_, who.address);
  learn_member(who, dialled);
  dial_due();
}

void sim_node::dial_failed(const std::string& address) {
  roster_->dial_ended(address, now().steady);
}

void sim_node::told_copied(origin_id by, std::uint64_t run) {
  if (by == origin() && run_ < run)
    return;
  post(membership_part, replicator, [this] { core_->is_copy(); });
}

void sim_node::frame_came(std::uint64_t id, const std::string& bytes) {
  const auto i = links_.find(id);
  if (i == links_.end())
    return;
  auto& from = i->second;
  if (!from.farewell)
    from.heard_at = now().steady;
  if (is_link_frame(bytes)) {
    const auto said = decode_frame(bytes);
    for (const auto& who : std::get<members_frame>(*said).known)
      if (who.origin == origin() && who.forgotten != 0)
        post(membership_part, replicator, [this, who] {
          core_->was_forgotten(who.forgotten, who.name != self().name);
        });
    if (!from.farewell)
      remember(roster_->heard_of(std::get<members_frame>(*said).known));
  } else if (!from.farewell) {
    post(membership_part, replicator, [this, id, who = from.who.origin, bytes] {
      if (links_.contains(id))
        core_->frame_came(who, bytes, now());
    });
  }
}

void sim_node::remember(const std::vector<member>& news) {
  if (news.empty())
    return;
  for (const auto& who : news) {
    post(membership_part, journal_part, [this, who] {
      if (!reborn_)
        static_cast<void>(disk_.save_member(who));
    });
    if (who.forgotten != 0)
      if (const auto id = link_of(who.origin); id != 0)
        cut_link(id, false);
  }
  tell_replica();
  for (const auto& [id, peer] : links_)
    around_.send(index_, id, encode(members_frame{roster_->all()}));
  dial_due();
}

void sim_node::tell_replica() {
  post(membership_part, replicator,
       [this, all = roster_->all()] { core_->members_changed(all); });
}

void sim_node::learn_member(const member& who, const std::string& dialled) {
  if (roster_->is_forgotten(who.origin))
    return;
  if (roster_->introduced(who, dialled))
    remember({who});
}

void sim_node::forget(const std::string& name) {
  const auto found = roster_->find_name(name);
  if (!found || link_of(found->origin) != 0)
    return;
  if (const auto gone =
          roster_->forget(found->origin, core_->seen_of(found->origin))) {
    around_.say(self().name + " forgets " + name + ", seen up to "
                + std::to_string(gone->forgotten));
    remember({*gone});
  }
}

void sim_node::beat() {
  const auto time = now().steady;
  std::vector<std::uint64_t> silent;
  for (const auto& [id, peer] : links_)
    if (time - peer.heard_at > (peer.farewell ? farewell_length : silence_max))
      silent.push_back(id);
  for (const auto id : silent)
    cut_link(id, false);
  std::vector<member> gone;
  for (const auto origin : roster_->replaced(time))
    if (const auto old = roster_->forget(origin, core_->seen_of(origin)))
      gone.push_back(*old);
  remember(gone);
  if (const auto who = roster_->listener(time))
    if (const auto id = link_of(*who); id != 0)
      around_.send(index_, id, encode(members_frame{roster_->all()}));
  dial_due();
  post(membership_part, replicator, [this] {
    was_unsafe_ = core_->clock() == clock_state::unsafe;
    core_->tick(now());
  });
  auto& world = around_.around;
  world.at(world.now() + beat_pause + world.random.between(0, millisecond),
           life_, [this] { beat(); });
}

void sim_node::dial_due() {
  for (const auto& address : roster_->due(now().steady))
    around_.dial(index_, address);
}

void sim_node::link_gone(std::uint64_t id) {
  const auto i = links_.find(id);
  if (i == links_.end())
    return;
  const auto lost = i->second;
  links_.erase(i);
  if (lost.farewell)
    return;
  roster_->link_down(lost.who.origin, now().steady);
  post(membership_part, replicator,
       [this, who = lost.who.origin] { core_->link_down(who, now()); });
}

void sim_node::cut_link(std::uint64_t id, bool) {
  link_gone(id);
  around_.close(id);
}

void sim_node::send(origin_id peer, std::string bytes) {
  if (const auto id = link_of(peer); id != 0)
    around_.send(index_, id, std::move(bytes));
}

void sim_node::cut(origin_id peer, std::string_view, bool faulty) {
  post(replicator, membership_part, [this, peer, faulty] {
    if (const auto id = link_of(peer); id != 0)
      cut_link(id, faulty);
  });
}

} // namespace panal::sim
