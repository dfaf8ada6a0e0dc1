// The replica's stream of changes: what is sent to a peer, and what is taken
// from one.

#include "cluster/replica.hpp"
#include "storage/key_hash.hpp"
#include "storage/mutant.hpp"
#include "storage/table.hpp"

#include <algorithm>
#include <utility>

namespace panal {

void replica::receive(origin_id from, peer& link, const changes_frame& said,
                      moment now) {
  link.in.resume(said.acknowledged);
  line_.merged(from, link.in.merged());
  if (said.streams > 0 && link.in.is_deferred(said.first_stream))
    return; // the same frame again
  if (link.in.is_begun_anew(said.after, said.upto))
    link.in.forget_open();
  if (!link.in.follows(said.after))
    return; // a gap: the peer will send again what is missing
  if (link.in.deferred() + said.streams > frame_streams_max)
    return refuse_frame(from, "defers more than is waited for");
  std::vector<remote_changes> parts(config_.shards);
  for (const auto& item : said.items)
    parts[shard_for(item.key)].changes.push_back(
        {0, std::string{item.key}, std::string{item.entry}, from});
  const auto count = std::ranges::count_if(
      parts, [](const auto& part) { return !part.changes.empty(); });
  const auto ticket = link.in.open(said.upto, static_cast<std::size_t>(count));
  link.in.defer(said.first_stream, said.streams);
  for (std::size_t shard = 0; shard < parts.size(); ++shard) {
    if (parts[shard].changes.empty())
      continue;
    parts[shard].peer = from;
    parts[shard].ticket = ticket;
    port_.merge(shard, std::move(parts[shard]));
  }
  if (PANAL_MUTANT(ack_before_merge))
    acknowledge(from, link, said.upto);
  if (count == 0 && said.streams == 0)
    merged({from, ticket, errc::ok, 0, 0}, now);
}

// One shard decides about clear-alls, and tells the others.
std::size_t replica::shard_for(std::string_view key) const {
  return key == cleared_key ? clearing_shard
                            : shard_of(key_hash(key), config_.shards);
}

void replica::merged(const remote_done& part, moment now) {
  now_ = now.steady;
  auto& link = peer_of(part.peer);
  // Its sender's disk or its sender is not what it should be: nothing of it is
  // acknowledged, and nothing more is taken.
  if (part.code == errc::corrupt)
    return refuse_frame(part.peer, "sends what is no entry");
  set_aside_ += part.set_aside;
  below_line_ += part.below_line;
  if (part.code != errc::ok && !PANAL_MUTANT(failed_merge_acknowledged)) {
    link.in.failed(part.ticket);
    // Says that it lives and where it stands: the peer sends again, later.
    return acknowledge(part.peer, link, link.in.merged(), true);
  }
  const auto settled = link.in.settled();
  if (const auto upto = link.in.done(part.ticket)) {
    line_.merged(part.peer, *upto);
    acknowledge(part.peer, link, *upto);
    look_whether_rejoined();
  } else if (link.in.settled() > settled) {
    acknowledge(part.peer, link, link.in.merged());
  }
}

void replica::acknowledge(origin_id who, peer& link, position upto,
                          bool refused) {
  if (link.open())
    port_.send(who, encode(ack_frame{upto, recent_.last(), link.in.settled(),
                                     refused}));
}

void replica::take_ack(origin_id from, peer& link, const ack_frame& said,
                       moment now) {
  const auto upto = PANAL_MUTANT(cursor_off_by_one) && said.upto > 0
                            && said.upto < link.out.covered()
                        ? said.upto + 1
                        : said.upto;
  if (!link.out.acknowledge(upto, now.steady, said.settled, said.refused))
    return refuse_frame(from, "acknowledges what was never sent");
  link.run_reached = std::max(link.run_reached, said.last);
  quorum_.reached(from, link.out.confirmed());
  answer_waiting(now);
  if (link.lag_probe && link.out.acknowledged() >= link.lag_probe->first)
    link.lag_probe.reset();
  pump(from, link, now);
  send_mark(from, link);
}

// From memory while that reaches back far enough, else from the store, one
// read at a time.
void replica::pump(origin_id who, peer& to, moment now) {
  if (!config_.pushes)
    return;
  const auto bytes_max =
      std::min(config_.window.frame_bytes_max, to.queue.frame_bytes());
  while (to.open() && !to.reading && to.out.has_room()
         && to.out.covered() < recent_.last()) {
    const auto after = to.out.covered();
    if (after < to.memory_from || !recent_.holds_after(after)) {
      if (!to.read_pause.is_due(now.steady))
        break;
      to.reading = true;
      port_.read_backlog(
          {who, after, {config_.window.frame_changes_max, bytes_max}});
      break;
    }
    send_run(
        who, to,
        recent_.read_after(after, config_.window.frame_changes_max, bytes_max),
        now);
  }
  if (!to.lag_probe && to.out.acknowledged() < recent_.last())
    to.lag_probe.emplace(recent_.last(), now.wall);
}

void replica::send_run(origin_id who, peer& to, const change_run& run,
                       moment now) {
  if (auto packed = to.out.pack(run, now.steady, to.queue.next_stream())) {
    to.queue.push(std::move(*packed));
    drain(who, to);
  }
  quorum_.reached(who, to.out.confirmed());
}

void replica::backlog_came(const backlog& found, moment now) {
  now_ = now.steady;
  auto& to = peer_of(found.peer);
  to.reading = false;
  if (found.code != errc::ok && !PANAL_MUTANT(unreadable_backlog_passed)) {
    to.read_pause.failed(now.steady);
    return; // a tick after the pause tries again
  }
  to.read_pause.succeeded();
  if (to.open() && found.after == to.out.covered()) {
    change_run run{found.last, {}};
    for (const auto& what : found.changes)
      run.changes.push_back(&what);
    if (!found.changes.empty())
      run.upto = found.changes.back().at;
    to.out.read_from_store(found.last);
    send_run(found.peer, to, run, now);
  }
  pump(found.peer, to, now);
}

// What stalls again after it was sent again waits in buffers that nobody
// bounds: the link has to go, and with it the buffers.
void replica::look_after_windows(moment now) {
  for (auto& [who, to] : peers_) {
    if (!to.open())
      continue;
    if (to.out.must_resend(now.steady)) {
      send_anew(to);
    } else if (to.queue.is_stuck(now.steady) || to.out.is_stalled(now.steady)) {
      if (to.out.stalls() > 0) {
        port_.cut(who, "it takes nothing", false);
        continue;
      }
      to.out.count_stall();
      to.queue.be_patient(now.steady);
      send_anew(to);
    }
  }
}

// A cursor that is saved late only means that some changes are sent again.
void replica::save_cursors() {
  for (auto& [who, to] : peers_) {
    const bool ran_on = note_reached(who, to);
    const auto acknowledged = to.out.acknowledged();
    const auto& runs = memory_.runs[who];
    if (std::exchange(to.saved_cursor, acknowledged) != acknowledged)
      port_.save_cursor(who, acknowledged,
                        runs.empty() ? run_record{} : runs.back());
    else if (ran_on)
      port_.add_run(runs.back(), who);
  }
}

/// How far the peer's present run has come: by this it is found out when its
/// data directory is an older one some day. @return true if that is news.
bool replica::note_reached(origin_id who, const peer& from) {
  auto& runs = memory_.runs[who];
  if (runs.empty() || runs.back().id != from.greeted_run.id)
    return false;
  const auto reached = std::max(from.in.merged(), from.run_reached);
  if (runs.back().reached >= reached)
    return false;
  runs.back().reached = reached;
  return true;
}

} // namespace panal
