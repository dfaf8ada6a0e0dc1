// The network between simulated nodes.

#include "tests/simulator/cluster_parts.hpp"

namespace panal::sim {

namespace {

/// For a trace: what a frame says; nothing of those that only keep a link.
std::string describe_frame(std::string_view bytes) {
  const auto said = decode_frame(bytes);
  if (!said)
    return "no frame";
  if (const auto* x = std::get_if<changes_frame>(&*said))
    return "changes after " + std::to_string(x->after) + " up to "
           + std::to_string(x->upto) + ", " + std::to_string(x->items.size())
           + ", streams " + std::to_string(x->first_stream) + " +"
           + std::to_string(x->streams) + ", acknowledged "
           + std::to_string(x->acknowledged);
  if (const auto* x = std::get_if<ack_frame>(&*said))
    return "ack " + std::to_string(x->upto) + ", settled "
           + std::to_string(x->settled) + (x->refused ? ", refused" : "");
  if (const auto* x = std::get_if<mark_frame>(&*said))
    return "mark at " + std::to_string(x->at) + ", acknowledged "
           + std::to_string(x->acknowledged);
  if (const auto* x = std::get_if<piece_frame>(&*said))
    return "piece of stream " + std::to_string(x->stream) + ": "
           + std::to_string(x->bytes.size()) + " from "
           + std::to_string(x->offset) + " of " + std::to_string(x->total);
  if (const auto* x = std::get_if<receipt_frame>(&*said))
    return "receipt of " + std::to_string(x->received) + ", sent "
           + std::to_string(x->sent);
  if (std::holds_alternative<greeting_frame>(*said))
    return "greeting";
  if (std::holds_alternative<accept_frame>(*said))
    return "accept";
  return {};
}

bool is_piece(std::string_view bytes) {
  const auto said = decode_frame(bytes);
  return said && std::holds_alternative<piece_frame>(*said);
}

} // namespace

std::size_t cluster::find(const std::string& address) const {
  for (std::size_t i = 0; i < machines_.size(); ++i)
    if (machines_[i].address == address)
      return i;
  return machines_.size();
}

// The handshake's outcome, as cluster/handshake has it.
void cluster::dial(std::size_t from, const std::string& address) {
  const auto to = find(address);
  auto& r = around.random;
  const auto life = machines_[from].node->life();
  around.at(around.now() + r.between(200, 3'000), nature, [=, this] {
    auto& a = machines_[from];
    if (!a.is_up() || a.node->life() != life)
      return;
    const bool reaches = to < machines_.size() && machines_[to].is_up()
                         && !is_cut(from, to) && !is_cut(to, from)
                         && machines_[to].is_clustered;
    if (!reaches || to == from) {
      say(a.name + " dials " + address + " in vain");
      return a.node->dial_failed(address);
    }
    auto& b = machines_[to];
    const auto origin_a = a.node->origin();
    const auto origin_b = b.node->origin();
    if (origin_a == origin_b) {
      a.node->dial_failed(address);
      const auto who_a = a.node->self();
      const auto run_a = a.node->run();
      a.node->told_copied(b.node->self(), b.node->run());
      b.node->told_copied(who_a, run_a);
      return;
    }
    if (b.refused.contains({origin_a, a.node->run()})) {
      a.node->dial_failed(address);
      return a.node->told_copied(b.node->self(), b.node->run());
    }
    if (a.refused.contains({origin_b, b.node->run()}))
      return a.node->dial_failed(address);
    const auto who_a = a.node->self();
    const auto who_b = b.node->self();
    if (origin_a > origin_b) {
      say(a.name + " is introduced to " + b.name);
      a.node->introduced(who_b, b.node->run(), address);
      if (machines_[to].is_up())
        b.node->introduced(who_a, a.node->run(), {});
      return;
    }
    const auto id = ++next_link_;
    connections_[id] = {from, to};
    say("link " + std::to_string(id) + " from " + a.name + " to " + b.name);
    a.node->admitted(who_b, b.node->run(), id, address);
    b.node->admitted(who_a, a.node->run(), id, {});
  });
}

void cluster::refuse_copy(std::size_t at, origin_id who, std::uint64_t run) {
  if (!has_copy_)
    violated("link: " + machines_[at].name
             + " takes the next run of a member for a copy of it");
  machines_[at].refused.insert({who, run});
}

// As CAF has it: when both ends have adopted the connection their handshake
// begins, from which the dialler learns whom to greet.
void cluster::adopt(std::size_t at, std::uint64_t link) {
  const auto i = connections_.find(link);
  if (i == connections_.end())
    return;
  auto& between = i->second;
  (between.a == at ? between.a_is_ready : between.b_is_ready) = true;
  if (between.a_is_ready && between.b_is_ready)
    around.at(around.now() + around.random.between(200, 4'000), nature,
              [this, link] { greet(link); });
}

void cluster::greet(std::uint64_t link) {
  const auto i = connections_.find(link);
  if (i == connections_.end() || is_cut(i->second.a, i->second.b)
      || is_cut(i->second.b, i->second.a))
    return;
  i->second.is_greeted = true;
  const auto to = i->second.b;
  const auto& a = machines_[i->second.a];
  around.at(around.now(), a.node->life(),
            [this, link, to, node = a.node.get()] {
              // Its hello comes before all that it says on the link.
              if (machines_[to].is_up())
                around.at(around.now() + around.random.between(50, 100),
                          machines_[to].node->life(),
                          [other = machines_[to].node.get(), link] {
                            other->greeted(link);
                          });
              node->greeted(link);
            });
}

void cluster::close(std::uint64_t link) {
  const auto i = connections_.find(link);
  if (i == connections_.end())
    return;
  const auto ended = i->second;
  connections_.erase(i);
  say("link " + std::to_string(link) + " ends");
  for (const auto end : {ended.a, ended.b}) {
    // Who was not greeted yet waits in vain, and hears of nothing.
    if (end == ended.b && !ended.is_greeted)
      continue;
    around.at(around.now() + around.random.between(100, 2'000), nature,
              [this, end, link] {
                if (machines_[end].is_up())
                  machines_[end].node->link_gone(link);
              });
  }
}

void cluster::send(std::size_t from, std::uint64_t link, std::string bytes) {
  const auto i = connections_.find(link);
  if (i == connections_.end())
    return;
  const auto to = i->second.a == from ? i->second.b : i->second.a;
  auto& r = around.random;
  judge_frame(bytes);
  if (is_cut(from, to) || r.chance(weather_.loss))
    return;
  if (weather_.nonsense > 0 && r.chance(weather_.nonsense))
    bytes.pop_back();
  const auto on_the_way = travel(i->second, from, bytes.size());
  const auto copies = r.chance(weather_.duplicates) ? 2 : 1;
  for (int copy = 0; copy < copies; ++copy) {
    auto delay = on_the_way > 0 ? on_the_way : r.between(100, 2'000);
    if (r.chance(weather_.reorders))
      delay = on_the_way + r.between(100, weather_.delay_max);
    around.at(around.now() + delay, nature,
              [this, to, link, bytes] { deliver(to, link, bytes); });
  }
  if (weather_.replays > 0) {
    recent_.push_back({from, to, link, bytes});
    if (r.chance(weather_.replays)) {
      auto old = recent_[r.below(recent_.size())];
      // Also under the present link: nothing tells it apart then. Pieces are
      // not, since what they carry would be another stream's: what is under
      // links keeps them apart.
      if (r.chance(0.5) && old.from == from && old.to == to
          && !is_piece(old.bytes))
        old.link = link;
      around.at(around.now() + r.between(1'000, 3 * second), nature,
                [this, old] { deliver(old.to, old.link, old.bytes); });
    }
    if (recent_.size() > 64)
      recent_.erase(recent_.begin());
  }
}

void cluster::deliver(std::size_t to, std::uint64_t link,
                      const std::string& bytes) {
  auto& m = machines_[to];
  if (!m.is_up() || !connections_.contains(link))
    return;
  if (verbose_)
    if (const auto what = describe_frame(bytes); !what.empty())
      say(m.name + " gets over link " + std::to_string(link) + ": " + what);
  // The node's own events may be paused; the network goes on.
  around.at(around.now(), m.node->life(), [node = m.node.get(), link, bytes] {
    node->frame_came(link, bytes);
  });
}

} // namespace panal::sim
