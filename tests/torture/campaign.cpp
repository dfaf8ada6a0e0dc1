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

/// Most schedules leave the clocks alone: only then is the order of what two
/// nodes took known to a few milliseconds.
milliseconds draw_clock_range(std::uint64_t seed) {
  auto kind = std::mt19937_64{seed}() % 10;
  return milliseconds{kind < 5 ? 0 : kind < 9 ? 1'500 : 20'000};
}

/// Brings the schedule over the cluster until the clients are done.
std::vector<fault> bring_faults(arena& over, const workload& clients,
                                fault_schedule schedule, progress& bar,
                                const std::function<double()>& done) {
  std::vector<fault> all;
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
      over.end(*at);
      at = under_way.erase(at);
    }
    for (; upcoming.starts <= now; upcoming = schedule.next()) {
      over.begin(upcoming);
      under_way.push_back(upcoming);
      all.push_back(upcoming);
    }
    bar.show(done(), text(under_way.size(), " faults under way"));
    std::this_thread::sleep_for(milliseconds{2});
  }
  return all;
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

campaign_result run_campaign(const campaign_setup& setup, progress& bar,
                             double part_begin, double part_size) {
  campaign_result result;
  result.seed = setup.seed;
  result.nodes = setup.nodes != 0 ? setup.nodes : setup.seed % 2 == 0 ? 3 : 5;
  result.clock_range = draw_clock_range(setup.seed);
  auto state = [&](double done, const std::string& what) {
    bar.show(part_begin + part_size * done,
             text("seed ", setup.seed, ", ", what));
  };
  state(0, "starting nodes");
  arena nodes{{result.nodes, setup.seed, setup.more}};
  workload_setup load;
  load.nodes = nodes.http();
  load.seed = setup.seed;
  load.operations = setup.operations;
  load.spread = setup.spread;
  workload clients{load};
  std::vector<fault> faults;
  auto healing = steady::now();
  try {
    faults = bring_faults(
        nodes, clients,
        fault_schedule{{result.nodes, setup.seed, result.clock_range}}, bar,
        [&] {
          return part_begin
                 + part_size * 0.8 * static_cast<double>(clients.done())
                       / static_cast<double>(setup.operations);
        });
    clients.stop();
    state(0.8, "waiting until all agree");
    healing = steady::now();
    nodes.heal();
  } catch (const std::exception& problem) {
    result.trouble = text("  ", problem.what(), '\n');
    result.trouble += "  evidence: " + keep_evidence(nodes, result, faults);
    return result;
  }
  auto serving =
      std::chrono::duration_cast<milliseconds>(steady::now() - healing);
  result.faults = faults.size();
  auto done = clients.take();
  count(done, result);
  auto same = test::all_equal(nodes.http(), clients.keys(), settles_within);
  result.stable_after = serving + same.took;
  auto last = read_settled(nodes.http(), clients.keys());
  checker judge{2 * result.clock_range + reading_error};
  result.trouble = tell(judge.check(done, last), result.found);
  if (!same.reached)
    result.trouble += "  never the same: " + same.difference + "\n";
  if (setup.keeps_all)
    keep_evidence(nodes, result, faults);
  if (!result.good())
    result.trouble += "  evidence: " + keep_evidence(nodes, result, faults);
  return result;
}

} // namespace panal::torture
