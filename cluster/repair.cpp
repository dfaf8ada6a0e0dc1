#include "cluster/repair.hpp"

#include <algorithm>
#include <utility>

namespace panal {

repair::repair(const repair_config& config, const digest_source& own,
               repair_port& port, std::mt19937_64 random)
    : config_{config},
      own_{own},
      port_{port},
      random_{random},
      last_round_{static_cast<std::uint32_t>(random_())} {
  // nop
}

void repair::tick(steady_time now, std::span<const origin_id> peers) {
  if (!next_at_)
    next_at_ = drawn_after(now);
  if (round_)
    go_on(now);
  else if (now >= *next_at_ && !peers.empty())
    begin(now, peers);
}

bool repair::came(origin_id peer, const frame& said, std::size_t bytes,
                  steady_time now) {
  if (const auto* root = std::get_if<repair_root_frame>(&said)) {
    answer(peer, *root, now);
  } else if (const auto* ask = std::get_if<repair_ask_frame>(&said)) {
    answer(peer, *ask, now);
  } else if (const auto* equal = std::get_if<repair_equal_frame>(&said)) {
    if (is_awaited(peer, phase::walking, bytes, now))
      stepped(round_->walk.equal(*equal), now);
  } else if (const auto* hashes = std::get_if<repair_hashes_frame>(&said)) {
    if (is_awaited(peer, phase::walking, bytes, now))
      stepped(round_->walk.hashes(*hashes), now);
  } else if (const auto* leaves = std::get_if<repair_leaves_frame>(&said)) {
    if (leaves->reply_wanted)
      answer(peer, *leaves, now);
    else if (is_awaited(peer, phase::comparing, bytes, now))
      compare(*leaves, now);
  } else if (const auto* entries = std::get_if<repair_entries_frame>(&said)) {
    take(peer, *entries, bytes, now);
  } else {
    return false;
  }
  return true;
}

void repair::gone(origin_id peer, steady_time now) {
  if (const auto i = peers_.find(peer); i != peers_.end()) {
    i->second.under_way.reset();
    i->second.entries_bytes = 0;
  }
  if (round_ && round_->peer == peer)
    break_off(now);
}

std::optional<steady_time> repair::equal_at(origin_id peer) const {
  const auto i = peers_.find(peer);
  return i == peers_.end() ? std::nullopt : i->second.equal_at;
}

steady_time repair::drawn_after(steady_time now) {
  std::uniform_int_distribution<std::chrono::milliseconds::rep> draw{
      config_.interval_min.count(), config_.interval_max.count()};
  return now + std::chrono::milliseconds{draw(random_)};
}

void repair::begin(steady_time now, std::span<const origin_id> peers) {
  const auto peer = peers[random_() % peers.size()];
  ++counters_.rounds;
  round_.emplace(
      peer, repair_walk{own_, ++last_round_, config_.leaves_max, random_}, now);
  send_in_round(encode(round_->walk.start()));
}

void repair::go_on(steady_time now) {
  const auto waited = now - round_->heard_at;
  if (round_->at != phase::pausing) {
    if (waited >= config_.quiet_max)
      break_off(now);
  } else if (waited >= config_.confirm_pause) {
    round_->at = phase::walking;
    round_->heard_at = now;
    send_in_round(encode(round_->walk.ask()));
  }
}

void repair::end(steady_time now) {
  auto& max = counters_.max_round;
  counters_.last_round = round_->traffic;
  max.sent = std::max(max.sent, round_->traffic.sent);
  max.received = std::max(max.received, round_->traffic.received);
  next_at_ = round_->more ? now + config_.interval_hurried : drawn_after(now);
  round_.reset();
}

void repair::break_off(steady_time now) {
  ++counters_.broken_off;
  round_->more = false;
  end(now);
}

bool repair::is_awaited(origin_id peer, phase at, std::size_t bytes,
                        steady_time now) {
  if (!round_ || round_->peer != peer || round_->at != at) {
    ++counters_.refused;
    return false;
  }
  round_->traffic.received += bytes;
  round_->heard_at = now;
  return true;
}

void repair::stepped(repair_walk::step to, steady_time now) {
  using step = repair_walk::step;
  round_->more = round_->walk.has_more();
  switch (to) {
  case step::refused:
    ++counters_.refused;
    break;
  case step::ask:
    send_in_round(encode(round_->walk.ask()));
    break;
  case step::equal:
    ++counters_.equal;
    peers_[round_->peer].equal_at = now;
    end(now);
    break;
  case step::pause:
    round_->at = phase::pausing;
    break;
  case step::vanished:
    ++counters_.vanished;
    end(now);
    break;
  case step::confirmed:
    list_leaves(now);
    break;
  }
}

void repair::list_leaves(steady_time now) {
  round_->at = phase::listing;
  round_->heard_at = now;
  round_->token = ++last_token_;
  const auto leaves = round_->walk.leaves();
  port_.list(round_->token, leaves);
}

void repair::listed(std::uint64_t token, std::vector<repair_leaf> leaves,
                    steady_time now) {
  if (round_ && round_->at == phase::listing && round_->token == token) {
    own_listed(std::move(leaves), now);
    return;
  }
  for (auto& [peer, from] : peers_) {
    if (from.under_way && from.under_way->listing
        && from.under_way->token == token) {
      answer_listed(peer, std::move(leaves), now);
      return;
    }
  }
}

void repair::own_listed(std::vector<repair_leaf> leaves, steady_time now) {
  if (trim(leaves))
    round_->more = true;
  if (leaves.empty()) {
    break_off(now);
    return;
  }
  ++counters_.differences;
  counters_.leaves += leaves.size();
  round_->at = phase::comparing;
  round_->heard_at = now;
  round_->listed = leaves.size();
  expect_entries(round_->peer, now);
  send_in_round(encode(repair_leaves_frame{round_->walk.round(), true,
                                           port_.line(), std::move(leaves)}));
}

void repair::compare(const repair_leaves_frame& said, steady_time now) {
  const auto& asked = round_->walk.leaves();
  const auto is_asked = [&asked](const repair_leaf& leaf) {
    return std::binary_search(asked.begin(), asked.end(), leaf.leaf);
  };
  if (said.round != round_->walk.round()
      || !std::all_of(said.leaves.begin(), said.leaves.end(), is_asked)) {
    ++counters_.refused;
    return;
  }
  if (said.leaves.size() < round_->listed)
    round_->more = true;
  round_->at = phase::reconciling;
  round_->heard_at = now;
  round_->token = ++last_token_;
  port_.reconcile(round_->token, round_->peer, said.line, said.leaves,
                  config_.entries_bytes_max);
}

void repair::reconciled(std::uint64_t token,
                        std::span<const repair_entry> entries, bool more,
                        steady_time now) {
  if (round_ && round_->at == phase::reconciling && round_->token == token) {
    for (auto& bytes : pack(entries, more))
      send_in_round(std::move(bytes));
    round_->more = round_->more || more;
    end(now);
    return;
  }
  for (auto& [peer, from] : peers_) {
    if (!from.under_way || from.under_way->listing
        || from.under_way->token != token)
      continue;
    from.under_way.reset();
    for (auto& bytes : pack(entries, more))
      port_.send(peer, std::move(bytes));
    return;
  }
}

void repair::send_in_round(std::string bytes) {
  round_->traffic.sent += bytes.size();
  port_.send(round_->peer, std::move(bytes));
}

} // namespace panal
