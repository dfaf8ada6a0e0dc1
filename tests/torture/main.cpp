// Fault campaigns on real nodes.
//
//   torture [--rounds=10] [--seed=n] [--operations=5000] [--nodes=3|5]
//           [--flag=--a-node's=flag] [--keep=1]
//   torture kill [--kills=200] [--seed=n]
//   torture slow [--seconds=600] [--modes=rate,stop,deaf] [--strict=1]
//   torture heal [--rounds=10] [--seconds=60] [--keys=100000]
//   torture flow [--changes=1000000] [--rate=50000] [--seconds=20]
//
// Exit status: 0 all is well, 1 something was violated, 2 wrong usage.

#include "tests/torture/campaign.hpp"
#include "tests/torture/flow.hpp"
#include "tests/torture/heal.hpp"
#include "tests/torture/kill.hpp"
#include "tests/torture/slow.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <random>
#include <string>

namespace panal::torture {

namespace {

using test::text;
using arguments = std::map<std::string, std::string>;

std::uint64_t number(const arguments& given, const std::string& name,
                     std::uint64_t otherwise) {
  auto at = given.find(name);
  return at == given.end() ? otherwise
                           : std::strtoull(at->second.c_str(), nullptr, 10);
}

std::vector<std::string> node_flags(const arguments& given) {
  auto at = given.find("flag");
  return at == given.end() ? std::vector<std::string>{}
                           : std::vector<std::string>{at->second};
}

/// Of rising values, the one that `share` of all do not exceed.
milliseconds percentile(const std::vector<milliseconds>& sorted, double share) {
  if (sorted.empty())
    return milliseconds{0};
  auto rank = std::ceil(share * static_cast<double>(sorted.size()));
  return sorted[static_cast<std::size_t>(std::max(rank, 1.0)) - 1];
}

int run_campaigns(const arguments& given, const std::string& program) {
  auto rounds = std::max<std::uint64_t>(1, number(given, "rounds", 10));
  auto seed = number(given, "seed", std::random_device{}() % 1'000'000);
  campaign_setup setup;
  setup.operations = number(given, "operations", setup.operations);
  setup.nodes = number(given, "nodes", 0);
  setup.spread = setup.spread * setup.operations / 5'000;
  setup.keeps_all = given.contains("keep");
  setup.more = node_flags(given);
  progress bar;
  std::array<std::size_t, verdict_count> found{};
  std::vector<milliseconds> stable;
  std::size_t bad = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    setup.seed = seed + round;
    auto part = 1.0 / static_cast<double>(rounds);
    auto result =
        run_campaign(setup, bar, part * static_cast<double>(round), part);
    bar.clear();
    std::cout << summary(result) << std::endl;
    stable.push_back(result.stable_after);
    for (std::size_t i = 0; i < verdict_count; ++i)
      found[i] += result.found[i];
    if (result.good())
      continue;
    ++bad;
    std::cout << result.trouble << "\n  replay: " << program
              << " --rounds=1 --seed=" << setup.seed
              << " --operations=" << setup.operations;
    if (setup.nodes != 0)
      std::cout << " --nodes=" << setup.nodes;
    std::cout << std::endl;
  }
  std::sort(stable.begin(), stable.end());
  std::cout << text(
      rounds, " schedules of ", setup.operations, " operations, ", bad,
      " bad: ", counts_text(found), "; stable after p50 ",
      percentile(stable, 0.5).count(), " ms, p99 ",
      percentile(stable, 0.99).count(), " ms, max ", stable.back().count(),
      " ms; took ",
      duration_text(static_cast<double>(bar.elapsed().count()) / 1000))
            << std::endl;
  return bad == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  arguments given;
  std::string what = "campaign";
  for (int i = 1; i < argc; ++i) {
    std::string one = argv[i];
    auto equals = one.find('=');
    if (one.starts_with("--") && equals != std::string::npos)
      given[one.substr(2, equals - 2)] = one.substr(equals + 1);
    else if (one == "kill" || one == "slow" || one == "heal" || one == "flow")
      what = one;
    else {
      std::cerr << "torture: what is " << one << "?\n";
      return 2;
    }
  }
  auto seed = number(given, "seed", std::random_device{}() % 1'000'000);
  if (what == "kill")
    return run_kills({seed, number(given, "kills", 200), node_flags(given)},
                     argv[0]);
  if (what == "slow")
    return run_slow(
        {.seed = seed,
         .slow = std::chrono::seconds{number(given, "seconds", 600)},
         .modes = given.contains("modes") ? given["modes"] : "rate,stop,deaf",
         .strict = given.contains("strict")});
  if (what == "heal")
    return run_heals({seed, number(given, "rounds", 10),
                      number(given, "seconds", 60),
                      number(given, "keys", 100'000), node_flags(given)});
  if (what == "flow")
    return run_flow({number(given, "changes", 1'000'000),
                     number(given, "rate", 50'000),
                     number(given, "seconds", 20), node_flags(given)});
  return run_campaigns(given, argv[0]);
}

} // namespace

} // namespace panal::torture

int main(int argc, char** argv) {
  try {
    return panal::torture::run(argc, argv);
  } catch (const std::exception& problem) {
    std::cerr << "torture: " << problem.what() << '\n';
    return 1;
  }
}
