#include "tests/torture/kill.hpp"

#include "tests/torture/arena.hpp"
#include "tests/torture/campaign.hpp"
#include "tests/torture/workload.hpp"

#include <exception>
#include <iostream>
#include <iterator>
#include <random>

namespace panal::torture {

namespace {

using test::text;

constexpr milliseconds settles_within{60'000};
constexpr milliseconds reading_error{5};

/// No peer can give a cut-off node back what it has lost.
void cut_off(arena& in, std::size_t node, bool on) {
  for (std::size_t other = 0; other < in.size(); ++other) {
    if (other == node)
      continue;
    in.net().set(node, other, {.holds = on});
    in.net().set(other, node, {.holds = on});
    if (on)
      in.net().cut(node, other);
  }
}

workload_setup full_load(const arena& on, const kill_setup& setup,
                         std::size_t kill) {
  workload_setup result;
  result.nodes = on.http();
  result.seed = setup.seed + kill;
  result.operations = 1'000'000;
  result.threads_per_node = 3;
  result.keys = 300;
  result.key_prefix = text("r", kill, '-');
  result.gets = 0.3;
  result.removes = 0.08;
  result.expiring = 0.02;
  // Some with large values, so that a kill may well fall into a commit.
  result.value_bytes = kill % 3 == 0 ? 20'000 : 100;
  return result;
}

struct totals {
  std::size_t operations = 0;
  std::size_t acknowledged = 0;
  std::array<std::size_t, verdict_count> found{};
  milliseconds slowest{0};
};

/// @return what went wrong in words; empty: nothing.
std::string kill_once(arena& nodes, const kill_setup& setup, std::size_t kill,
                      std::mt19937_64& random, totals& into) {
  auto victim = random() % nodes.size();
  auto wait_for = 200 + random() % 2'500;
  workload clients{full_load(nodes, setup, kill)};
  if (!test::eventually(milliseconds{20'000},
                        [&] { return clients.done() >= wait_for; }))
    return "  the nodes hardly answer\n";
  cut_off(nodes, victim, true);
  nodes[victim].kill9();
  nodes[victim].start();
  // Before its clients write on: what does it still show?
  auto after = read_all_at(victim, nodes[victim].http(), clients.keys());
  cut_off(nodes, victim, false);
  clients.stop();
  auto done = clients.take();
  into.operations += done.size();
  for (const auto& op : done)
    into.acknowledged +=
        op.what != action::get && op.came_to == outcome::ok ? 1 : 0;
  std::move(after.begin(), after.end(), std::back_inserter(done));
  auto same = test::all_equal(nodes.http(), clients.keys(), settles_within);
  into.slowest = std::max(into.slowest, same.took);
  auto last = read_settled(nodes.http(), clients.keys());
  auto result = tell(checker{reading_error}.check(done, last), into.found);
  if (!same.reached)
    result += "  never the same: " + same.difference + "\n";
  return result;
}

} // namespace

int run_kills(const kill_setup& setup, const std::string& program) {
  progress bar;
  std::mt19937_64 random{setup.seed};
  arena nodes{{3, setup.seed, setup.more}};
  totals all;
  std::size_t bad = 0;
  for (std::size_t kill = 0; kill < setup.kills; ++kill) {
    bar.show(static_cast<double>(kill) / static_cast<double>(setup.kills),
             text("kill ", kill + 1, " of ", setup.kills));
    auto trouble = kill_once(nodes, setup, kill, random, all);
    if (trouble.empty())
      continue;
    ++bad;
    bar.clear();
    auto folder = std::filesystem::temp_directory_path()
                  / text("panal-torture-kill-", setup.seed, '-', kill + 1);
    nodes.keep_logs(folder);
    std::cout << "kill " << kill + 1 << ":\n"
              << trouble << "  logs: " << folder.string()
              << "\n  replay: " << program << " kill --kills=" << kill + 1
              << " --seed=" << setup.seed << std::endl;
  }
  bar.clear();
  std::cout << text(
      "seed ", setup.seed, ": ", setup.kills, " kills, ", all.operations,
      " operations, ", all.acknowledged, " acknowledged writes; ",
      counts_text(all.found), "; equal again within ", all.slowest.count(),
      " ms; took ",
      duration_text(static_cast<double>(bar.elapsed().count()) / 1000))
            << std::endl;
  return bad == 0 ? 0 : 1;
}

} // namespace panal::torture
