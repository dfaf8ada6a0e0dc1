#include "tests/torture/key_judge.hpp"

#include <algorithm>
#include <utility>

namespace panal::torture {

namespace {

/// `when` plus `by`, where `when` may be the end of time.
time_point later(time_point when, milliseconds by) {
  return when > time_point::max() - by ? time_point::max() : when + by;
}

/// Whether it told that there is nothing: a get or a delete that found none.
bool told_nothing(const operation& op) {
  return op.status == 404
         && (op.what == action::get || op.what == action::remove);
}

bool is_read(const operation& op) {
  return (op.what == action::get && op.came_to == outcome::ok)
         || told_nothing(op);
}

std::string version_of(const operation& op) {
  return "version " + std::to_string(op.puts.version);
}

} // namespace

bool key_judge::change::held_at(std::size_t node, time_point when) const {
  auto at = held_since.find(node);
  return at != held_since.end() && at->second < when;
}

void key_judge::change::seen(std::size_t node, time_point when) {
  happened = true;
  done_by = std::min(done_by, when);
  // Whoever shows it had it from the node that took it.
  for (auto holder : {node, op->node}) {
    auto [at, is_new] = held_since.try_emplace(holder, when);
    at->second = std::min(at->second, when);
  }
}

key_judge::key_judge(std::vector<const operation*> done,
                     std::vector<const operation*> last,
                     milliseconds clock_error)
    : done_{std::move(done)},
      last_{std::move(last)},
      clock_error_{clock_error} {
  std::sort(done_.begin(), done_.end(),
            [](auto* a, auto* b) { return a->called < b->called; });
  for (const auto* op : done_) {
    if (op->what == action::get)
      continue;
    changes_.push_back({.op = op});
    if (op->came_to == outcome::ok)
      changes_.back().seen(op->node, op->returned);
  }
}

std::vector<violation> key_judge::judge() {
  for (const auto* op : done_)
    learn_from_values(*op);
  for (const auto* op : done_)
    learn_from_nothing(*op);
  for (auto& one : changes_)
    one.may_delete =
        one.possible() && (!one.is_put() || may_be_over_expired(one));

  std::vector<violation> result;
  auto add = [&](const std::optional<objection>& found) {
    if (found
        && std::none_of(result.begin(), result.end(), [&](const auto& known) {
             return known.what == found->what;
           }))
      result.push_back({found->what,
                        done_.empty() ? last_.front()->key : done_.front()->key,
                        found->why + "\n" + describe_all()});
  };
  for (const auto* op : done_)
    if (is_read(*op))
      add(judge_read(*op, false));
  auto differ = judge_agreement();
  add(differ);
  // Nodes that differ have not settled: what is missing at one may be late.
  if (!differ && !last_.empty())
    add(judge_read(*last_.front(), true));
  return result;
}

key_judge::change* key_judge::put_of(const entry& what) {
  auto found =
      std::find_if(changes_.begin(), changes_.end(), [&](const change& one) {
        return one.is_put() && one.op->puts == what;
      });
  return found == changes_.end() ? nullptr : &*found;
}

void key_judge::learn_from_values(const operation& read) {
  if (!is_read(read) || !read.found)
    return;
  auto* put = put_of(*read.found);
  if (put != nullptr && put->possible())
    put->seen(read.node, read.returned);
}

/// Where a node shows nothing any more and only one delete can be the cause,
/// that one was carried out, whether or not its client was told.
void key_judge::learn_from_nothing(const operation& read) {
  if (!told_nothing(read))
    return;
  std::vector<change*> causes;
  bool was_there = false;
  for (auto& one : changes_) {
    if (!one.possible() || one.op->called > read.returned)
      continue;
    if (!one.is_put())
      causes.push_back(&one);
    else if (may_expire_by(one, read.returned))
      return;
    was_there |= one.is_put() && one.held_at(read.node, read.called);
  }
  std::erase_if(causes, [&](const change* cause) {
    return std::any_of(
        changes_.begin(), changes_.end(), [&](const change& put) {
          return put.is_put() && put.held_at(read.node, read.called)
                 && before(*cause, put);
        });
  });
  if (was_there && causes.size() == 1)
    causes.front()->seen(read.node, read.returned);
}

bool key_judge::before(const change& a, const change& b) const {
  return a.held_at(b.op->node, b.op->called)
         || later(a.done_by, clock_error_) < b.op->called;
}

bool key_judge::beats(const change& a, const change& b) const {
  auto va = a.op->puts.version;
  auto vb = b.op->puts.version;
  return va > vb || (va == vb && before(b, a));
}

bool key_judge::may_expire_by(const change& put, time_point when) const {
  return put.op->ttl_ms > 0
         && put.op->called + milliseconds{put.op->ttl_ms}
                <= later(when, clock_error_);
}

bool key_judge::may_be_over_expired(const change& put) const {
  return std::any_of(changes_.begin(), changes_.end(), [&](const change& old) {
    if (&old == &put || !old.is_put() || !old.possible()
        || !may_expire_by(old, put.done_by) || before(put, old))
      return false;
    // Not what it found, if its node already held something above it.
    return std::none_of(
        changes_.begin(), changes_.end(), [&](const change& above) {
          return above.held_at(put.op->node, put.op->called)
                 && before(old, above)
                 && (!above.is_put()
                     || above.op->puts.version >= old.op->puts.version);
        });
  });
}

bool key_judge::counts(const change& what, const view& in) const {
  return what.happened
         && (in.final || what.held_at(in.read->node, in.read->called));
}

bool key_judge::delete_may_stand_between(const change& first,
                                         const change& last,
                                         const view& in) const {
  return std::any_of(changes_.begin(), changes_.end(), [&](const change& one) {
    return &one != &first && one.may_delete
           && one.op->called <= in.read->returned && !before(one, first)
           && !before(last, one);
  });
}

std::optional<key_judge::objection> key_judge::judge_read(const operation& read,
                                                          bool final) {
  const view in{&read, final};
  if (!read.found)
    return object_to_nothing(in);
  const auto* put = put_of(*read.found);
  if (put == nullptr)
    return objection{verdict::invented,
                     "nobody put " + read.found->value + " version "
                         + std::to_string(read.found->version)};
  if (put->op->called > read.returned)
    return objection{verdict::invented,
                     version_of(*put->op) + " was read before it was put"};
  return object_to_put(*put, in);
}

std::optional<key_judge::objection> key_judge::beaten(const change& put,
                                                      const view& in) const {
  if (!put.possible())
    return objection{verdict::invented,
                     "the put of " + version_of(*put.op) + " was refused"};
  for (const auto& one : changes_) {
    if (&one == &put || !counts(one, in))
      continue;
    if (!one.is_put() && before(put, one))
      return objection{verdict::resurrected,
                       version_of(*put.op) + " was deleted"};
    if (one.is_put() && beats(one, put)
        && (before(put, one) || !delete_may_stand_between(one, put, in)))
      return objection{in.final ? verdict::lost : verdict::stale,
                       version_of(*put.op) + " is shown instead of "
                           + version_of(*one.op)};
  }
  return std::nullopt;
}

std::optional<key_judge::objection>
key_judge::object_to_put(const change& put, const view& in) const {
  if (auto why = beaten(put, in))
    return why;
  auto ends = later(put.done_by, milliseconds{put.op->ttl_ms} + clock_error_);
  if (put.op->ttl_ms > 0 && ends < in.read->called)
    return objection{verdict::resurrected,
                     version_of(*put.op) + " has expired"};
  return std::nullopt;
}

std::optional<key_judge::objection>
key_judge::object_to_nothing(const view& in) const {
  const change* highest = nullptr;
  for (const auto& one : changes_) {
    if (!one.possible() || one.op->called > in.read->returned)
      continue;
    if (!one.is_put()) {
      if (std::none_of(changes_.begin(), changes_.end(), [&](const auto& put) {
            return put.is_put() && counts(put, in) && before(one, put);
          }))
        return std::nullopt;
      continue;
    }
    if (may_expire_by(one, in.read->returned) && !beaten(one, in))
      return std::nullopt;
    if (counts(one, in)
        && (highest == nullptr
            || one.op->puts.version > highest->op->puts.version))
      highest = &one;
  }
  if (highest == nullptr)
    return std::nullopt;
  return objection{in.final ? verdict::lost : verdict::stale,
                   "nothing is shown instead of " + version_of(*highest->op)
                       + ", which nothing can have removed"};
}

std::optional<key_judge::objection> key_judge::judge_agreement() const {
  for (const auto* one : last_) {
    if (one->came_to != outcome::ok)
      return objection{verdict::differing, "node"
                                               + std::to_string(one->node + 1)
                                               + " does not answer"};
    if (one->found != last_.front()->found)
      return objection{verdict::differing,
                       "node" + std::to_string(one->node + 1)
                           + " differs from node"
                           + std::to_string(last_.front()->node + 1)};
  }
  return std::nullopt;
}

std::string key_judge::describe_all() const {
  std::string result;
  auto since = done_.empty() ? last_.front()->called : done_.front()->called;
  for (const auto* op : done_)
    result += "    " + describe(*op, since) + "\n";
  for (const auto* op : last_)
    result += "    last: " + describe(*op, since) + "\n";
  return result;
}

} // namespace panal::torture
