#pragma once

// Two replicas and a link between them that carries so many bytes a second in
// each direction, in order; around each a node that only remembers. Time is
// simulated.

#include "cluster/replica.hpp"
#include "storage/digest_tree.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace panal::test {

class rated_pair {
public:
  using milliseconds = std::chrono::milliseconds;

  explicit rated_pair(std::size_t bytes_per_second, replica_config config = {})
      : rate_{bytes_per_second} {
    config.mark_pause = milliseconds{500};
    for (std::size_t i = 0; i < 2; ++i)
      nodes_[i] = std::make_unique<node>(*this, i, config);
    link();
    tick(0);
    tick(1);
  }

  void run_for(milliseconds length) {
    const auto end = now_ + length;
    while (!events_.empty() && events_.begin()->first <= end) {
      auto next = events_.extract(events_.begin());
      now_ = next.key();
      next.mapped()();
    }
    now_ = end;
  }

  /// The first node commits a change; its entry is `value`.
  void write(const std::string& key, std::string value) {
    auto& own = *nodes_[0];
    auto batch = std::make_shared<change_batch>();
    batch->changes.push_back({++own.last, key, std::move(value), own_change});
    batch->bytes = key.size() + batch->changes[0].entry.size();
    auto& note = notes_[key];
    note.place = own.last;
    note.written = now_;
    note.has_arrived = false;
    own.kept[own.last] = batch;
    own.core->committed({batch}, moment_now());
  }

  bool arrived(const std::string& key) const {
    return notes_.at(key).has_arrived;
  }
  position place_of(const std::string& key) const {
    return notes_.at(key).place;
  }
  /// What the second node holds.
  const std::string& value(const std::string& key) const {
    return nodes_[1]->values.at(key);
  }
  /// The longest time that a key of this beginning took to arrive; one that
  /// has not arrived takes for ever.
  milliseconds longest(const std::string& begin) const {
    auto longest = milliseconds{0};
    for (const auto& [key, note] : notes_)
      if (key.starts_with(begin))
        longest =
            std::max(longest, note.has_arrived ? of(note.arrived - note.written)
                                               : milliseconds::max());
    return longest;
  }
  /// Between two frames that came to the second node.
  milliseconds longest_silence() const { return of(longest_silence_); }
  /// What the first node has saved, and what when a key arrived.
  position cursor() const { return nodes_[0]->cursor; }
  position cursor_before(const std::string& key) const {
    return notes_.at(key).cursor;
  }
  bool is_cut() const { return is_cut_; }

  /// From now on no byte comes anywhere.
  void stop_bytes() {
    rate_ = 0;
    ++link_;
  }
  /// The second node answers no merge any more.
  void hold_merges() { holds_merges_ = true; }
  /// So many merges fail.
  void refuse_merges(unsigned count) { refusals_ = count; }
  void link_anew() {
    for (std::size_t i = 0; i < 2; ++i)
      nodes_[i]->core->link_down(2 - i, moment_now());
    link();
  }

private:
  struct remembered {
    position place = 0;
    steady_time written{};
    steady_time arrived{};
    position cursor = 0;
    bool has_arrived = false;
  };

  struct fixed_clock final : clock {
    explicit fixed_clock(const rated_pair& around) : pair{around} {}
    unix_ms now() const noexcept override { return pair.moment_now().wall; }
    const rated_pair& pair;
  };

  struct node final : replica_port {
    node(rated_pair& around, std::size_t at, const replica_config& config)
        : pair{around}, index{at}, time{around}, stamps{at + 1, time} {
      replica_memory memory;
      memory.self = member_of(at);
      memory.runs[own_change] = {{at + 1, 1, 0}};
      memory.seed = at;
      core = std::make_unique<replica>(config, std::move(memory), *this, stamps,
                                       gate, digests);
      core->start(0);
      core->members_changed({member_of(0), member_of(1)});
    }

    void send(origin_id, std::string bytes) override {
      pair.carry(index, std::move(bytes));
    }
    void cut(origin_id, std::string_view, bool) override {
      pair.is_cut_ = true;
    }
    void merge(std::size_t, remote_changes part) override {
      pair.merge(*this, std::move(part));
    }
    void read_backlog(const backlog_request& wanted) override {
      pair.later(milliseconds{1}, [this, wanted] { read(wanted); });
    }
    void save_cursor(origin_id, position acknowledged,
                     const run_record&) override {
      cursor = acknowledged;
    }
    void save_fact(fact which, std::uint64_t value) override {
      pair.later(milliseconds{1},
                 [this, which, value] { core->saved(which, value); });
    }
    void add_run(const run_record&, origin_id) override {}
    void mark(std::uint64_t hlc) override {
      pair.later(milliseconds{1},
                 [this, hlc] { core->marked(hlc, last, pair.moment_now()); });
    }
    void set_line(std::uint64_t, std::uint64_t) override {}
    void list(std::uint64_t, std::vector<std::uint32_t>) override {}
    void compare(leaf_comparison) override {}
    void reconcile(repair_changes) override {}
    void reissue_some(std::uint64_t, const std::string&) override {}
    void note_lie(origin_id, std::uint64_t, std::uint64_t) override {}
    void save_identity(const cluster_identity&, bool) override {}
    void note_stranger(origin_id, const cluster_identity&,
                       const cluster_identity&, bool) override {}
    void rejoin(const rejoin_plan&) override { pair.is_cut_ = true; }
    void answer(std::uint64_t, std::size_t, bool) override {}

    void read(const backlog_request& wanted) {
      backlog found;
      found.peer = wanted.peer;
      found.after = wanted.after;
      found.last = last;
      std::size_t bytes = 0;
      for (auto i = kept.upper_bound(wanted.after); i != kept.end(); ++i) {
        const auto& what = i->second->changes[0];
        bytes += what.entry.size();
        if (!found.changes.empty()
            && (found.changes.size() >= wanted.limits.changes_max
                || bytes > wanted.limits.bytes_max))
          break;
        found.changes.push_back(what);
      }
      core->backlog_came(found, pair.moment_now());
    }

    rated_pair& pair;
    std::size_t index;
    fixed_clock time;
    hybrid_clock stamps;
    node_gate gate;
    digest_tree digests{2};
    std::unique_ptr<replica> core;
    position last = 0;
    position cursor = 0;
    std::map<position, change_batch_ptr> kept;
    std::map<std::string, std::string> values;
  };

  static milliseconds of(steady_time::duration time) {
    return std::chrono::duration_cast<milliseconds>(time);
  }
  static member member_of(std::size_t index) {
    const std::string name(1, index == 0 ? 'a' : 'b');
    return {index + 1, name, name + ":1", 0};
  }
  moment moment_now() const {
    return {now_, 1'700'000'000'000 + of(now_.time_since_epoch()).count()};
  }
  void later(steady_time::duration pause, std::function<void()> what) {
    events_.emplace(now_ + pause, std::move(what));
  }

  void link() {
    ++link_;
    busy_until_ = {now_, now_};
    last_frame_ = now_;
    for (std::size_t i = 0; i < 2; ++i)
      nodes_[i]->core->link_up(member_of(1 - i), 2 - i, moment_now());
  }
  void tick(std::size_t index) {
    nodes_[index]->core->tick(moment_now());
    later(milliseconds{250}, [this, index] { tick(index); });
  }

  void carry(std::size_t from, std::string bytes) {
    if (rate_ == 0)
      return;
    auto& busy = busy_until_[from];
    busy = std::max(busy, now_)
           + std::chrono::microseconds{1'000'000 * bytes.size() / rate_};
    later(busy - now_ + milliseconds{1},
          [this, to = 1 - from, link = link_, bytes = std::move(bytes)] {
            if (link != link_)
              return;
            if (to == 1) {
              longest_silence_ = std::max(longest_silence_, now_ - last_frame_);
              last_frame_ = now_;
            }
            nodes_[to]->core->frame_came(2 - to, bytes, moment_now());
          });
  }

  void merge(node& at, remote_changes part) {
    if (holds_merges_)
      return;
    const bool refused = refusals_ > 0;
    refusals_ -= refused ? 1 : 0;
    later(milliseconds{1}, [this, &at, refused, part = std::move(part)] {
      for (const auto& what : part.changes)
        if (!refused)
          note_arrival(at, what);
      at.core->merged({part.peer, part.ticket,
                       refused ? errc::storage_full : errc::ok, 0, 0},
                      moment_now());
    });
  }
  void note_arrival(node& at, const change& what) {
    at.values[what.key] = what.entry;
    auto& note = notes_[what.key];
    if (std::exchange(note.has_arrived, true))
      return;
    note.arrived = now_;
    note.cursor = acknowledged();
  }
  /// How far the first node takes the second to be.
  position acknowledged() const {
    for (const auto& who : nodes_[0]->core->report(moment_now()).members)
      if (who.origin == 2)
        return who.acknowledged;
    return 0;
  }

  std::size_t rate_;
  steady_time now_{std::chrono::seconds{1'000}};
  std::multimap<steady_time, std::function<void()>> events_;
  std::array<std::unique_ptr<node>, 2> nodes_;
  std::array<steady_time, 2> busy_until_{};
  std::uint64_t link_ = 0;
  steady_time last_frame_{};
  steady_time::duration longest_silence_{};
  std::map<std::string, remembered> notes_;
  bool is_cut_ = false;
  bool holds_merges_ = false;
  unsigned refusals_ = 0;
};

} // namespace panal::test
