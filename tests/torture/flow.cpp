#include "tests/torture/flow.hpp"

#include "tests/support/node.hpp"
#include "tests/torture/bulk_writer.hpp"
#include "tests/torture/embedded_node.hpp"

#include <algorithm>
#include <atomic>
#include <iostream>
#include <optional>
#include <thread>

namespace panal::torture {

namespace {

using test::milliseconds;
using test::steady;
using test::text;

// A node answers the requests of one connection in turn.
constexpr std::size_t writers = 48;
constexpr double rate_min = 100'000;
constexpr double p99_max_ms = 10;
constexpr milliseconds patience{120'000};
/// Instead of a delay, where none could be measured.
constexpr double failed = 1e9;

/// A number out of the node's report on the cluster; nothing without it.
std::optional<std::uint64_t> number_after(const std::string& text,
                                          const std::string& name,
                                          std::size_t from = 0) {
  const auto at = text.find("\"" + name + "\":", from);
  if (at == std::string::npos)
    return std::nullopt;
  return std::strtoull(text.c_str() + at + name.size() + 3, nullptr, 10);
}

/// How far `of` has told this node that it has merged its changes.
std::uint64_t acknowledged_by(const test::node& at, const std::string& of) {
  auto client = at.client();
  const auto said = client.request("GET", "/api/v1/cluster").body;
  const auto member = said.find("\"name\":\"" + of + "\"");
  return member == std::string::npos
             ? 0
             : number_after(said, "acknowledged", member).value_or(0);
}

std::uint64_t last_position(const test::node& at) {
  auto client = at.client();
  return number_after(client.request("GET", "/api/v1/cluster").body, "last")
      .value_or(0);
}

std::size_t write_all(const test::node& to, std::size_t count) {
  std::atomic<std::size_t> accepted = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < writers; ++i)
    threads.emplace_back([&, i] {
      bulk what;
      what.prefix = "flow-";
      what.first = i * (count / writers);
      what.count = count / writers;
      accepted += write_bulk(to.http(), what);
    });
  threads.clear();
  return accepted;
}

/// A peer that was away takes over what it has missed.
/// @return changes a second between the first and the last acknowledgement.
double measure_rate(const flow_setup& setup) {
  test::cluster nodes{{2, test::topology::star, {}, setup.more}};
  nodes[1].kill9();
  const auto written = write_all(nodes[0], setup.changes);
  const auto last = last_position(nodes[0]);
  const auto first = acknowledged_by(nodes[0], "node2");
  nodes[1].launch_only();
  auto begun_at = steady::time_point{};
  auto begun = first;
  const bool whole = test::eventually(patience, [&] {
    const auto reached = acknowledged_by(nodes[0], "node2");
    if (begun == first && reached > first) {
      begun = reached;
      begun_at = steady::now();
    }
    return reached >= last;
  });
  const auto seconds =
      std::chrono::duration<double>(steady::now() - begun_at).count();
  nodes[1].wait_serving();
  const auto rate = static_cast<double>(last - begun) / seconds;
  std::cout << text("catching up: ", written, " changes missed, ", last - begun,
                    " of them in ", seconds,
                    " s: ", static_cast<std::size_t>(rate), " changes/s",
                    whole ? "" : ", NOT ALL")
            << std::endl;
  return whole && written == setup.changes / writers * writers ? rate : 0;
}

/// Single writes at one node are looked for at its peer while the first is
/// under load. The first runs in this process, so that the writes do not cost
/// HTTP requests beside what is measured.
double measure_delay(const flow_setup& setup) {
  test::node peer{test::member_named("node2")};
  peer.start();
  const test::temp_dir own;
  std::vector<std::string> flags{
      "--node-id=node1", "--data-dir=" + (own.path() / "data").string(),
      "--cluster-host=" + test::test_host(), "--cluster-port=0",
      "--join=" + peer.cluster().str()};
  flags.insert(flags.end(), setup.more.begin(), setup.more.end());
  embedded_node source{flags};
  if (!peer.wait_event("peer_up", {{"peer", "node1"}}, patience))
    return failed;
  std::atomic<bool> loaded = true;
  double reached = 0;
  std::jthread load{[&] {
    const auto began = steady::now();
    const auto accepted =
        source.put_many("flow-", setup.rate * setup.seconds, 1, setup.rate);
    reached = static_cast<double>(accepted)
              / std::chrono::duration<double>(steady::now() - began).count();
    loaded = false;
  }};
  auto reader = peer.client();
  std::vector<double> delays_ms;
  for (std::int64_t n = 1; loaded; ++n) {
    if (source.put_many("probe-", 1, n) != 1)
      continue;
    const auto answered = steady::now();
    while (reader.get("probe-0").version < n) {
      // asks again: the answer's way is part of what is measured
    }
    delays_ms.push_back(
        std::chrono::duration<double, std::milli>(steady::now() - answered)
            .count());
    std::this_thread::sleep_for(milliseconds{2});
  }
  load.join();
  std::ranges::sort(delays_ms);
  const auto at = [&](double share) {
    return delays_ms[static_cast<std::size_t>(
        share * static_cast<double>(delays_ms.size() - 1))];
  };
  std::cout << text("delay at ", static_cast<std::size_t>(reached),
                    " writes/s: p50 ", at(0.5), " ms, p99 ", at(0.99),
                    " ms, max ", delays_ms.back(), " ms of ", delays_ms.size(),
                    " probes")
            << std::endl;
  return reached >= 0.98 * static_cast<double>(setup.rate) ? at(0.99) : failed;
}

} // namespace

int run_flow(const flow_setup& setup) {
  const auto rate = measure_rate(setup);
  const auto p99_ms = measure_delay(setup);
  return rate >= rate_min && p99_ms < p99_max_ms ? 0 : 1;
}

} // namespace panal::torture
