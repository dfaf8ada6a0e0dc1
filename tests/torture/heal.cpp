#include "tests/torture/heal.hpp"

#include "tests/torture/arena.hpp"
#include "tests/torture/bulk_writer.hpp"
#include "tests/torture/progress.hpp"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <thread>

namespace panal::torture {

namespace {

using test::text;

constexpr milliseconds heal_max{5'000};
constexpr milliseconds patience{120'000};

void set_apart(arena& in, bool on) {
  for (std::size_t a = 0; a < in.size(); ++a)
    for (std::size_t b = 0; b < in.size(); ++b) {
      if (a == b)
        continue;
      in.net().set(a, b, {.holds = on});
      if (on)
        in.net().cut(a, b);
    }
}

/// What the node's digest tree says it holds; empty if it does not answer.
std::string digest_root(const endpoint& at) {
  test::http_client client{at};
  const auto said = client.request("GET", "/api/v1/cluster/digest").body;
  const auto begin = said.find("\"root\":");
  return begin == std::string::npos
             ? std::string{}
             : said.substr(begin, said.find(',', begin) - begin);
}

bool all_same(const arena& nodes) {
  const auto first = digest_root(nodes[0].http());
  for (std::size_t i = 1; i < nodes.size(); ++i)
    if (digest_root(nodes[i].http()) != first)
      return false;
  return !first.empty();
}

/// Each node gets its part of the keys. @return how many were accepted.
std::size_t write_apart(const arena& nodes, const heal_setup& setup,
                        std::size_t round) {
  std::atomic<std::size_t> accepted = 0;
  std::vector<std::jthread> writers;
  const auto part = setup.keys / nodes.size();
  for (std::size_t i = 0; i < nodes.size(); ++i)
    writers.emplace_back([&, i] {
      bulk what;
      what.prefix = "heal-";
      what.first = i * part;
      what.count = i + 1 == nodes.size() ? setup.keys - i * part : part;
      what.version = static_cast<std::int64_t>(round) + 1;
      accepted += write_bulk(nodes[i].http(), what);
    });
  writers.clear();
  return accepted;
}

} // namespace

int run_heals(const heal_setup& setup) {
  arena nodes{{3, setup.seed, setup.more}};
  progress bar;
  std::vector<milliseconds> took;
  bool good = true;
  for (std::size_t round = 0; round < setup.rounds; ++round) {
    bar.show(static_cast<double>(round) / static_cast<double>(setup.rounds),
             text("round ", round + 1, " of ", setup.rounds));
    set_apart(nodes, true);
    const auto apart = steady::now();
    const auto accepted = write_apart(nodes, setup, round);
    good = good && accepted == setup.keys;
    std::this_thread::sleep_until(apart
                                  + std::chrono::seconds{setup.seconds_apart});
    const bool differ = !all_same(nodes);
    set_apart(nodes, false);
    const auto healed = steady::now();
    const bool same =
        test::eventually(patience, [&] { return all_same(nodes); });
    const auto time =
        std::chrono::duration_cast<milliseconds>(steady::now() - healed);
    took.push_back(time);
    good = good && same && differ;
    bar.clear();
    std::cout << text("round ", round + 1, ": ", accepted,
                      " keys written apart, ", same ? "equal" : "NOT EQUAL",
                      " after ", time.count(), " ms")
              << std::endl;
  }
  std::ranges::sort(took);
  std::cout << text("heal after ", setup.seconds_apart, " s with ", setup.keys,
                    " keys differing: p50 ", took[took.size() / 2].count(),
                    " ms, max ", took.back().count(), " ms of ", took.size())
            << std::endl;
  return good && took.back() < heal_max ? 0 : 1;
}

} // namespace panal::torture
