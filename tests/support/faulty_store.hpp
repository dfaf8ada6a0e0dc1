#pragma once

// A store whose appends fail or wait, and whose other writes and reads fail,
// when a test says so; the rest goes through to the store behind it. The store
// is called from one thread; the controls may be called from another.

#include "storage/store.hpp"

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace panal::test {

class faulty_store final : public store {
public:
  explicit faulty_store(std::unique_ptr<store> behind)
      : behind_{std::move(behind)} {}

  /// Lets the `nth` append from now (1: the next one) and the `times - 1`
  /// after it fail with `code`. Replaces an earlier order.
  void fail_append(std::size_t nth, errc code, std::size_t times = 1) {
    std::lock_guard guard{mutex_};
    fail_from_ = appends_ + nth;
    fail_until_ = fail_from_ + times;
    code_ = code;
  }

  /// Lets appends wait from now on, until release(). Before letting go of
  /// the thread that appends (at a test's end), release.
  void hold() {
    std::lock_guard guard{mutex_};
    held_ = true;
  }

  void release() {
    std::lock_guard guard{mutex_};
    held_ = false;
    changed_.notify_all();
  }

  /// Waits until an append waits in hold().
  void await_held() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return waiting_; });
  }

  /// Lets all writes but appends fail with `code` from now on; `ok` ends it.
  void refuse_notes(errc code) {
    std::lock_guard guard{mutex_};
    notes_ = code;
  }
  /// The same for read_after and reissues.
  void refuse_reads(errc code) {
    std::lock_guard guard{mutex_};
    reads_ = code;
  }

  /// How many writes beside appends were asked for, the failed ones among
  /// them.
  std::size_t notes_asked() const {
    std::lock_guard guard{mutex_};
    return notes_asked_;
  }

  /// How many appends were asked for, the failed ones among them.
  std::size_t appends() const {
    std::lock_guard guard{mutex_};
    return appends_;
  }

  using store::append_all;
  result<void> append_all(std::span<const change* const> changes,
                          bool flush) override {
    if (auto allowed = pass(); !allowed)
      return allowed;
    return behind_->append_all(changes, flush);
  }
  result<fold_step> fold(std::size_t changes_max) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->fold(changes_max);
  }
  using store::load;
  result<void> load(const visitor& visit,
                    const damage_visitor& damage) override {
    return behind_->load(visit, damage);
  }
  result<std::vector<change>> read_after(position after,
                                         read_limits limits) override {
    if (auto allowed = read(); !allowed)
      return allowed.error();
    return behind_->read_after(after, limits);
  }
  std::vector<damaged_row> take_damage() override {
    return behind_->take_damage();
  }
  position last_position() const override { return behind_->last_position(); }
  std::size_t journal_rows() const override { return behind_->journal_rows(); }
  origin_id origin() const override { return behind_->origin(); }
  result<void> save_cursor(origin_id peer, position acknowledged) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->save_cursor(peer, acknowledged);
  }
  result<std::map<origin_id, position>> cursors() override {
    return behind_->cursors();
  }
  result<void> save_member(const member& who) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->save_member(who);
  }
  result<void> remove_member(origin_id who) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->remove_member(who);
  }
  result<std::vector<member>> members() override { return behind_->members(); }
  result<void> save_fact(fact which, std::uint64_t value) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->save_fact(which, value);
  }
  result<void> save_facts(const fact_map& all) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->save_facts(all);
  }
  result<fact_map> facts() override { return behind_->facts(); }
  result<void> add_run(const run_record& run, origin_id peer) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->add_run(run, peer);
  }
  result<std::map<origin_id, std::vector<run_record>>> runs() override {
    return behind_->runs();
  }
  result<void> drop_damaged_notes() override {
    return behind_->drop_damaged_notes();
  }
  result<void> rebirth_from(origin_id fresh, std::span<const change> kept,
                            const reissue_source& again,
                            const fact_map& facts) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->rebirth_from(fresh, kept, again, facts);
  }
  disk_state look_after() override { return behind_->look_after(); }
  result<void> probe() override {
    if (auto allowed = note(); !allowed)
      return allowed;
    return behind_->probe();
  }
  using store::reissues;
  result<std::vector<reissue>> reissues(std::string_view after,
                                        read_limits limits) override {
    if (auto allowed = read(); !allowed)
      return allowed.error();
    return behind_->reissues(after, limits);
  }
  result<std::string> reissue_of(std::string_view key) override {
    if (auto allowed = read(); !allowed)
      return allowed.error();
    return behind_->reissue_of(key);
  }
  result<void> remove_reissue(std::string_view key) override {
    if (auto allowed = note(); !allowed)
      return allowed.error();
    return behind_->remove_reissue(key);
  }

private:
  /// Counts an append, waits while held, and answers the ordered failure.
  result<void> pass() {
    std::unique_lock lock{mutex_};
    auto number = ++appends_;
    if (held_) {
      waiting_ = true;
      changed_.notify_all();
      changed_.wait(lock, [this] { return !held_; });
      waiting_ = false;
    }
    if (number >= fail_from_ && number < fail_until_)
      return error{code_, "append " + std::to_string(number)
                              + " fails as the test ordered"};
    return {};
  }

  result<void> note() {
    std::lock_guard guard{mutex_};
    ++notes_asked_;
    if (notes_ != errc::ok)
      return error{notes_, "refused as the test ordered"};
    return {};
  }
  result<void> read() {
    std::lock_guard guard{mutex_};
    if (reads_ != errc::ok)
      return error{reads_, "unreadable as the test ordered"};
    return {};
  }

  std::unique_ptr<store> behind_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t appends_ = 0;
  std::size_t fail_from_ = 0;
  std::size_t fail_until_ = 0;
  errc code_ = errc::ok;
  errc notes_ = errc::ok;
  errc reads_ = errc::ok;
  std::size_t notes_asked_ = 0;
  bool held_ = false;
  bool waiting_ = false;
};

} // namespace panal::test
