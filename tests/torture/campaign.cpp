#include "tests/torture/campaign.hpp"

#include "tests/torture/arena.hpp"
#include "tests/torture/fault.hpp"
#include "tests/torture/workload.hpp"

#include <algorithm>
#include <exception>
#include <fstream>
#include <list>

namespace panal::torture {

namespace {

using test::text;

constexpr milliseconds settles_within{60'000};
/// Clocks are read in milliseconds, and a request takes its time.
constexpr milliseconds reading_error{5};
constexpr milliseconds between_faults{220};

/// Most schedules leave the clocks alone: only then is the order of what two
/// nodes took known to a few milliseconds.
milliseconds draw_clock_range(std::uint64_t seed) {
  auto kind = std::mt19937_64{seed}() % 10;
  return milliseconds{kind < 5 ? 0 : kind < 9 ? 1'500 : 20'000};
}

void count(const history& done, campaign_result& into) {
  for (const auto& op : done) {
    ++into.statuses[op.status];
    ++(op.came_to == outcome::ok       ? into.ok
       : op.came_to == outcome::failed ? into.failed
                                       : into.unknown);
  }
}

/// Keeps what is needed to look into a failure. @return where.
std::string keep_evidence(const arena& of, const campaign_result& result,
                          const std::vector<fault>& faults) {
  auto folder = std::filesystem::temp_directory_path()
                / text("panal-torture-", result.seed);
  of.keep_logs(folder);
  std::ofstream report{folder / "report.txt"};
  report << summary(result) << '\n';
  for (auto [status, times] : result.statuses)
    report << "status " << status << ": " << times << '\n';
  for (const auto& one : faults)
    report << describe(one) << '\n';
  report << result.trouble;
  return folder.string();
}

} // namespace

std::string counts_text(const std::array<std::size_t, verdict_count>& of) {
  std::string result;
  for (std::size_t i = 0; i < verdict_count; ++i)
    result += text(i == 0 ? "" : ", ", of[i], ' ',
                   to_string(static_cast<verdict>(i)));
  return result;
}

std::string tell(const std::vector<violation>& found,
                 std::array<std::size_t, verdict_count>& into) {
  constexpr std::size_t told_max = 5;
  std::string result;
  std::size_t told = 0;
  for (const auto& one : found) {
    ++into[static_cast<std::size_t>(one.what)];
    if (++told <= told_max)
      result += text("  ", to_string(one.what), ": ", one.key, ": ", one.why);
  }
  return result;
}

std::string summary(const campaign_result& of) {
  return text("seed ", of.seed, ": ", of.nodes, " nodes, clocks +-",
              of.clock_range.count(), " ms, ", of.faults, " faults; ", of.ok,
              " ok, ", of.failed, " failed, ", of.unknown, " unknown; ",
              counts_text(of.found), "; stable after ", of.stable_after.count(),
              " ms");
}

namespace {

/// One campaign on its way.
class campaign {
public:
  campaign(const campaign_setup& setup, progress& bar, double part_begin,
           double part_size);
  campaign_result run();

private:
  workload_setup load() const;
  /// Load and faults, until the clients are done. @return what they did.
  history storm();
  void settle(const history& done);
  void show(double done, const std::string& what);

  campaign_setup setup_;
  progress& bar_;
  double part_begin_;
  double part_size_;
  campaign_result result_;
  arena nodes_;
  std::vector<fault> faults_;
  std::vector<std::string> keys_;
  /// When faults were taken away.
  time_point healing_;
};

campaign::campaign(const campaign_setup& setup, progress& bar,
                   double part_begin, double part_size)
    : setup_{setup},
      bar_{bar},
      part_begin_{part_begin},
      part_size_{part_size},
      nodes_{{setup.nodes, setup.seed, setup.more}} {
  result_.seed = setup.seed;
  result_.nodes = setup.nodes;
  result_.clock_range = draw_clock_range(setup.seed);
}

void campaign::show(double done, const std::string& what) {
  bar_.show(part_begin_ + part_size_ * done,
            text("seed ", setup_.seed, ", ", what));
}

workload_setup campaign::load() const {
  workload_setup result;
  result.nodes = nodes_.http();
  result.seed = setup_.seed;
  result.operations = setup_.operations;
  result.spread = setup_.spread;
  return result;
}

/// Of the schedule's progress, what is left for settling and judging.
constexpr double storm_share = 0.9;

history campaign::storm() {
  workload clients{load()};
  keys_ = clients.keys();
  fault_schedule schedule{
      {result_.nodes, setup_.seed, result_.clock_range, between_faults}};
  std::list<fault> under_way;
  auto began = steady::now();
  auto upcoming = schedule.next();
  while (!clients.finished()) {
    auto now = std::chrono::duration_cast<milliseconds>(steady::now() - began);
    for (auto at = under_way.begin(); at != under_way.end();) {
      if (at->starts + at->lasts > now) {
        ++at;
        continue;
      }
      nodes_.end(*at);
      at = under_way.erase(at);
    }
    for (; upcoming.starts <= now; upcoming = schedule.next()) {
      nodes_.begin(upcoming);
      under_way.push_back(upcoming);
      faults_.push_back(upcoming);
    }
    show(storm_share * static_cast<double>(clients.done())
             / static_cast<double>(setup_.operations),
         text(under_way.size(), " faults under way"));
    std::this_thread::sleep_for(milliseconds{2});
  }
  clients.stop();
  return clients.take();
}

void campaign::settle(const history& done) {
  auto serving =
      std::chrono::duration_cast<milliseconds>(steady::now() - healing_);
  auto same = test::all_equal(nodes_.http(), keys_, settles_within);
  result_.stable_after = serving + same.took;
  auto last = read_settled(nodes_.http(), keys_);
  checker judge{2 * result_.clock_range + reading_error};
  result_.trouble = tell(judge.check(done, last), result_.found);
  if (!same.reached)
    result_.trouble += "  never the same: " + same.difference + "\n";
}

campaign_result campaign::run() {
  try {
    auto done = storm();
    result_.faults = faults_.size();
    count(done, result_);
    show(storm_share, "waiting until all agree");
    healing_ = steady::now();
    nodes_.heal();
    settle(done);
  } catch (const std::exception& problem) {
    result_.trouble += text("  ", problem.what(), '\n');
  }
  if (!result_.good() || setup_.keeps_all) {
    auto folder = keep_evidence(nodes_, result_, faults_);
    if (!result_.good())
      result_.trouble += "  evidence: " + folder;
  }
  return result_;
}

} // namespace

campaign_result run_campaign(campaign_setup setup, progress& bar,
                             double part_begin, double part_size) {
  if (setup.nodes == 0)
    setup.nodes = setup.seed % 2 == 0 ? 3 : 5;
  bar.show(part_begin, text("seed ", setup.seed, ", starting nodes"));
  return campaign{setup, bar, part_begin, part_size}.run();
}

} // namespace panal::torture
