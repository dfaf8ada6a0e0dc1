#include "tests/torture/slow.hpp"

#include "tests/torture/arena.hpp"
#include "tests/torture/pressure.hpp"
#include "tests/torture/progress.hpp"

#include <algorithm>
#include <iostream>
#include <sstream>
#include <vector>

namespace panal::torture {

namespace {

using test::text;

constexpr std::size_t slow_node = 2;
constexpr double growth_max_mib = 64;
constexpr double p99_factor_max = 1.05;
constexpr milliseconds catches_up_within{60'000};
/// What a change of the peer's state stirs up is no part of a window.
constexpr milliseconds settling{700};
/// Memory is measured once it has stopped growing by itself: SQLite's cache
/// and the journal reach their size with the writes, not with time.
constexpr std::size_t warm_up_requests = 60'000;
constexpr milliseconds warm_up_usual{12'000};
constexpr milliseconds warm_up_max{60'000};
constexpr milliseconds warm_up_step{2'000};
constexpr double steady_mib = 1.5;

double median(std::vector<double> of) {
  if (of.empty())
    return 0;
  std::sort(of.begin(), of.end());
  auto middle = of.size() / 2;
  return of.size() % 2 == 1 ? of[middle] : (of[middle - 1] + of[middle]) / 2;
}

/// The peer's states, and how it comes into them.
class trial {
public:
  trial(const slow_setup& setup, progress& bar)
      : setup_{setup},
        bar_{bar},
        nodes_{{3, setup.seed, {}}},
        load_{{{nodes_[0].http(), nodes_[1].http()}}} {}

  /// @return whether all bounds were kept.
  bool run(const std::string& mode, double part_begin, double part_size);

private:
  void slow_down();
  void gone();
  void healthy();
  void wait(milliseconds time, const std::string& state);
  void measure(std::vector<std::size_t>& into, milliseconds time,
               const std::string& state);
  double resident_mib() const;
  /// @return the memory when it has become steady.
  double warm_up();
  milliseconds catch_up();
  bool report(double before_mib, milliseconds caught_up);

  slow_setup setup_;
  progress& bar_;
  arena nodes_;
  pressure load_;
  std::string mode_;
  bool is_slow_ = false;
  std::vector<std::size_t> with_;
  std::vector<std::size_t> without_;
  double highest_mib_ = 0;
  bool caught_up_ = true;
  /// For the progress bar.
  double part_begin_ = 0;
  double part_size_ = 1;
  milliseconds planned_{0};
  milliseconds passed_{0};
};

void trial::slow_down() {
  is_slow_ = true;
  if (mode_ == "gone") {
    if (nodes_[slow_node].running())
      nodes_[slow_node].kill9();
    return;
  }
  if (!nodes_[slow_node].running())
    nodes_[slow_node].launch_only();
  if (mode_ == "stop") {
    nodes_[slow_node].wait_serving();
    nodes_[slow_node].stop();
    return;
  }
  if (mode_ == "none" || mode_ == "gone")
    return;
  for (std::size_t other = 0; other < slow_node; ++other) {
    if (mode_ == "rate") {
      nodes_.net().set(slow_node, other, {.bytes_per_second = 1'024});
      nodes_.net().set(other, slow_node, {.bytes_per_second = 1'024});
    } else {
      // It talks, but takes nothing.
      nodes_.net().set(other, slow_node, {.holds = true});
    }
  }
}

void trial::gone() {
  is_slow_ = false;
  nodes_.net().heal();
  if (nodes_[slow_node].running())
    nodes_[slow_node].kill9();
}

void trial::healthy() {
  is_slow_ = false;
  nodes_.net().heal();
  if (!nodes_[slow_node].running())
    nodes_[slow_node].launch_only();
  nodes_[slow_node].cont();
  nodes_[slow_node].wait_serving();
}

double trial::resident_mib() const {
  std::size_t result = 0;
  for (std::size_t i = 0; i < slow_node; ++i)
    result = std::max(result, nodes_[i].program().resident_bytes());
  return static_cast<double>(result) / (1 << 20);
}

void trial::wait(milliseconds time, const std::string& state) {
  auto until = steady::now() + time;
  constexpr milliseconds step{100};
  while (steady::now() < until) {
    std::this_thread::sleep_for(step);
    passed_ += step;
    if (is_slow_)
      highest_mib_ = std::max(highest_mib_, resident_mib());
    bar_.show(part_begin_
                  + part_size_ * static_cast<double>(passed_.count())
                        / static_cast<double>(planned_.count()),
              text(mode_, ": ", state, ", ", static_cast<int>(resident_mib()),
                   " MiB"));
  }
}

void trial::measure(std::vector<std::size_t>& into, milliseconds time,
                    const std::string& state) {
  wait(settling, state);
  into.push_back(load_.open_window());
  wait(time, state);
  load_.close_window();
}

milliseconds trial::catch_up() {
  load_.pause(true);
  auto began = steady::now();
  healthy();
  auto serving =
      std::chrono::duration_cast<milliseconds>(steady::now() - began);
  auto same = test::all_equal(nodes_.http(), load_.keys(), catches_up_within);
  if (!same.reached)
    std::cout << "  does not catch up: " << same.difference << std::endl;
  caught_up_ = caught_up_ && same.reached;
  load_.pause(false);
  return serving + same.took;
}

double trial::warm_up() {
  auto before = resident_mib();
  for (auto passed = milliseconds{0}; passed < warm_up_max;
       passed += warm_up_step) {
    wait(warm_up_step, "warming up");
    auto now = resident_mib();
    if (load_.done() >= warm_up_requests && now < before + steady_mib)
      return now;
    before = now;
  }
  return before;
}

bool trial::run(const std::string& mode, double part_begin, double part_size) {
  mode_ = mode;
  part_begin_ = part_begin;
  part_size_ = part_size;
  const milliseconds slow = setup_.slow;
  auto window = std::clamp(slow / 10, milliseconds{500}, milliseconds{10'000});
  auto pairs = std::max<std::int64_t>(2, slow / 4 / window);
  planned_ = warm_up_usual + slow + 2 * pairs * (window + settling);
  auto before = warm_up();
  highest_mib_ = before;
  slow_down();
  wait(slow, "slow");
  auto caught_up = catch_up();
  for (std::int64_t i = 0; i < pairs; ++i) {
    gone();
    measure(without_, window, "without the peer");
    slow_down();
    measure(with_, window, "with the slow peer");
  }
  caught_up = std::max(caught_up, catch_up());
  load_.stop();
  bar_.clear();
  return report(before, caught_up);
}

bool trial::report(double before_mib, milliseconds caught_up) {
  auto growth = highest_mib_ - before_mib;
  std::vector<double> with;
  std::vector<double> without;
  std::size_t failures = 0;
  std::size_t answers = 0;
  for (auto [windows, into] : {std::pair{&with_, &with}, {&without_, &without}})
    for (auto number : *windows) {
      auto figures = load_.of_window(number);
      into->push_back(figures.p99_us);
      failures += figures.failures;
      answers += figures.answers;
    }
  auto factor = median(with) / std::max(median(without), 1.0);
  const bool memory_kept = growth <= growth_max_mib;
  const bool p99_kept = factor <= p99_factor_max;
  std::cout << text(
      mode_, ": memory ", static_cast<int>(before_mib), " MiB, ",
      static_cast<int>(growth), " MiB more at most (",
      memory_kept ? "kept" : "NOT KEPT", "); p99 ", median(with) / 1000,
      " ms with, ", median(without) / 1000, " ms without the slow peer, ",
      static_cast<int>((factor - 1) * 1000) / 10.0, " % (",
      p99_kept ? "kept" : "NOT KEPT", "); ", failures, " of ", answers,
      " requests failed; caught up within ", caught_up.count(), " ms")
            << std::endl;
  return memory_kept && caught_up_ && failures == 0
         && (p99_kept || !setup_.strict);
}

} // namespace

int run_slow(const slow_setup& setup) {
  std::vector<std::string> modes;
  std::istringstream given{setup.modes};
  for (std::string one; std::getline(given, one, ',');)
    modes.push_back(one);
  progress bar;
  bool good = true;
  std::cout << text("a peer that is slow for ", setup.slow.count(),
                    " s, then in alternating windows; seed ", setup.seed)
            << std::endl;
  auto part = 1.0 / static_cast<double>(modes.size());
  for (std::size_t i = 0; i < modes.size(); ++i) {
    trial one{setup, bar};
    good = one.run(modes[i], part * static_cast<double>(i), part) && good;
  }
  return good ? 0 : 1;
}

} // namespace panal::torture
