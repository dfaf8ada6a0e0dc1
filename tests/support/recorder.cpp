#include "tests/support/recorder.hpp"

#include <algorithm>
#include <utility>

namespace panal::test {

namespace {

/// `when` plus `by`, where `when` may be the end of time.
steady::time_point later(steady::time_point when, milliseconds by) {
  return when > steady::time_point::max() - by ? steady::time_point::max()
                                               : when + by;
}

std::string since(steady::time_point start, steady::time_point when) {
  if (when == steady::time_point::max())
    return "?";
  auto passed =
      std::chrono::duration_cast<std::chrono::microseconds>(when - start);
  return std::to_string(passed.count()) + "us";
}

} // namespace

recorder::ticket recorder::put_called(const std::string& key,
                                      std::size_t at_node, std::int64_t version,
                                      const std::string& value,
                                      std::int64_t ttl_ms, time now) {
  operation what;
  what.at_node = at_node;
  what.version = version;
  what.value = value;
  what.ttl_ms = ttl_ms;
  what.called = now;
  return add(key, std::move(what));
}

recorder::ticket recorder::remove_called(const std::string& key,
                                         std::size_t at_node, time now) {
  operation what;
  what.is_put = false;
  what.at_node = at_node;
  what.called = now;
  return add(key, std::move(what));
}

recorder::ticket recorder::add(const std::string& key, operation what) {
  std::lock_guard lock{mutex_};
  auto& all = histories_[key];
  all.push_back(std::move(what));
  return {key, all.size() - 1};
}

void recorder::answered(const ticket& which, const reply& what, time now) {
  std::lock_guard lock{mutex_};
  auto& op = histories_[which.key][which.index];
  if (what.status == 200) {
    op.came_to = outcome::accepted;
    op.returned = std::min(op.returned, now);
  } else if (what.surely_not_done()) {
    op.came_to = outcome::refused;
    op.returned = now;
  }
}

bool recorder::saw(const std::string& key, const seen_entry& what, time now) {
  std::lock_guard lock{mutex_};
  auto& all = histories_[key];
  auto put = std::find_if(all.rbegin(), all.rend(), [&](const auto& op) {
    return op.is_put && op.version == what.version && op.value == what.value;
  });
  if (put == all.rend() || put->came_to == outcome::refused)
    return false;
  put->came_to = outcome::accepted;
  put->returned = std::min(put->returned, now);
  return true;
}

bool recorder::saw_nothing(const std::string& key, time called, time now) {
  std::lock_guard lock{mutex_};
  auto& all = histories_[key];
  std::vector<operation*> causes;
  for (auto& op : all) {
    if (op.is_put || op.came_to == outcome::refused || op.called > now)
      continue;
    // A put that was surely in place after this delete and before the read
    // acquits it.
    bool acquitted = std::any_of(all.begin(), all.end(), [&](const auto& put) {
      return put.is_put && put.came_to == outcome::accepted && before(op, put)
             && put.returned <= called;
    });
    if (!acquitted)
      causes.push_back(&op);
  }
  bool was_there = std::any_of(all.begin(), all.end(), [&](const auto& op) {
    return op.is_put && op.came_to == outcome::accepted
           && op.returned <= called;
  });
  if (was_there && causes.size() == 1) {
    causes.front()->came_to = outcome::accepted;
    causes.front()->returned = std::min(causes.front()->returned, now);
  }
  return !was_there || !causes.empty();
}

bool recorder::before(const operation& a, const operation& b) const {
  auto margin = a.at_node == b.at_node ? milliseconds{0} : clock_error_;
  return later(a.returned, margin) < b.called;
}

bool recorder::beats(const operation& a, const operation& b) const {
  return a.version > b.version || (a.version == b.version && before(b, a));
}

bool recorder::may_expire_by(const operation& put, time when) const {
  return put.ttl_ms > 0
         && put.called + milliseconds{put.ttl_ms} <= later(when, clock_error_);
}

bool recorder::may_delete(const history& all, const operation& what) const {
  if (what.came_to == outcome::refused)
    return false;
  if (!what.is_put)
    return true;
  return std::any_of(all.begin(), all.end(), [&](const operation& other) {
    return other.is_put && &other != &what && other.came_to != outcome::refused
           && may_expire_by(other, what.returned) && !before(what, other);
  });
}

bool recorder::may_stand_between(const history& all, const operation& first,
                                 const operation& last) const {
  return std::any_of(all.begin(), all.end(), [&](const operation& op) {
    return &op != &first && !before(op, first) && !before(last, op)
           && may_delete(all, op);
  });
}

std::optional<std::string> recorder::objection_to_put(const history& all,
                                                      const operation& put,
                                                      time read_at) const {
  auto name = "the put of version " + std::to_string(put.version);
  if (put.came_to == outcome::refused)
    return name + " was refused";
  for (const auto& op : all) {
    if (op.came_to != outcome::accepted || &op == &put)
      continue;
    if (!op.is_put && before(put, op))
      return name + " was deleted afterwards";
    if (op.is_put && beats(op, put)
        && (before(put, op) || !may_stand_between(all, op, put)))
      return name + " is beaten by an accepted put of version "
             + std::to_string(op.version);
  }
  if (put.ttl_ms > 0
      && later(put.returned, milliseconds{put.ttl_ms} + clock_error_) < read_at)
    return name + " has expired";
  return std::nullopt;
}

std::optional<std::string> recorder::objection_to_nothing(const history& all,
                                                          time read_at) const {
  bool any_put = false;
  for (const auto& op : all) {
    if (op.came_to == outcome::refused)
      continue;
    any_put |= op.is_put && op.came_to == outcome::accepted;
    if (!op.is_put
        && std::none_of(all.begin(), all.end(), [&](const operation& put) {
             return put.is_put && put.came_to == outcome::accepted
                    && before(op, put);
           }))
      return std::nullopt;
    if (op.is_put && may_expire_by(op, read_at)
        && !objection_to_put(all, op, op.called))
      return std::nullopt;
  }
  if (!any_put)
    return std::nullopt;
  return "an accepted put is gone that nothing can have deleted";
}

std::optional<std::string>
recorder::objection(const std::string& key,
                    const std::optional<seen_entry>& last, time read_at) const {
  std::lock_guard lock{mutex_};
  auto found = histories_.find(key);
  static const history none;
  const auto& all = found == histories_.end() ? none : found->second;
  std::optional<std::string> why;
  if (!last) {
    why = objection_to_nothing(all, read_at);
  } else {
    auto put = std::find_if(all.begin(), all.end(), [&](const auto& op) {
      return op.is_put && op.version == last->version
             && op.value == last->value;
    });
    why = put == all.end() ? "nobody put " + last->value + " version "
                                 + std::to_string(last->version)
                           : objection_to_put(all, *put, read_at);
  }
  if (why)
    return key + ": " + *why + "\n" + describe(all);
  return std::nullopt;
}

std::optional<std::string> recorder::objection(const std::string& key,
                                               const reply& last,
                                               time read_at) const {
  if (last.status == 200)
    return objection(key, seen_entry{last.version, last.value}, read_at);
  if (last.status == 404)
    return objection(key, std::nullopt, read_at);
  return key + ": " + test::describe(last);
}

std::vector<std::string> recorder::keys() const {
  std::lock_guard lock{mutex_};
  std::vector<std::string> result;
  for (const auto& [key, all] : histories_)
    result.push_back(key);
  return result;
}

recorder::totals recorder::count() const {
  std::lock_guard lock{mutex_};
  totals result;
  for (const auto& [key, all] : histories_)
    for (const auto& op : all)
      ++(op.came_to == outcome::accepted  ? result.accepted
         : op.came_to == outcome::refused ? result.refused
                                          : result.open);
  return result;
}

std::string recorder::describe(const history& all) const {
  if (all.empty())
    return {};
  std::string result;
  auto start = all.front().called;
  // The end of a history is what decides; a long one is cut at its start.
  constexpr std::size_t shown_max = 40;
  auto first = all.size() > shown_max ? all.size() - shown_max : 0;
  for (auto i = first; i < all.size(); ++i) {
    const auto& op = all[i];
    result +=
        "  " + since(start, op.called) + " to " + since(start, op.returned)
        + " node " + std::to_string(op.at_node)
        + (op.is_put
               ? " put " + op.value + " version " + std::to_string(op.version)
               : " delete")
        + (op.ttl_ms > 0 ? " ttl " + std::to_string(op.ttl_ms) : "")
        + (op.came_to == outcome::accepted  ? ": accepted\n"
           : op.came_to == outcome::refused ? ": refused\n"
                                            : ": no answer\n");
  }
  return result;
}

} // namespace panal::test
